//! Keys: what is accepted as one, and that none is ever printed.

use std::fmt;

use zeroize::Zeroizing;

/// The longest key in bytes; what is longer is a file that was read as one.
pub const KEY_BYTES_MAX: usize = 1_024;
/// Texts that stand where a key should, in small letters.
const PLACEHOLDERS: [&str; 14] = [
    "undefined",
    "null",
    "none",
    "nil",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "api-key",
    "api_key",
    "apikey",
    "key",
    "secret",
    "false",
];
/// How a placeholder begins, in small letters.
const BEGINNINGS: [&str; 9] = ["<", "${", "$", "{{", "%", "todo", "fixme", "replace", "insert"];
/// Hosts whose keys have two parts.
const HOSTS_ZAI: [&str; 2] = ["api.z.ai", "open.bigmodel.cn"];

/// A key. It shows as `***` wherever it is printed, and leaves this crate only in the header it is meant for. Its memory is
/// overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a key for the endpoint at `base_url`. White space around it is dropped: keys are often read from files that
    /// end with a line break.
    ///
    /// # Errors
    /// What is wrong with it and what to do, without the key: it is empty, it holds white space or what no header may
    /// hold, it is too long, it is a placeholder, or it does not look like a key of this endpoint.
    pub fn check(key: &str, base_url: &str) -> Result<Self, String> {
        let key = key.trim();
        if key.is_empty() {
            return Err("the key is empty; put the key itself there, or name none".to_owned());
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(format!("the key is longer than {KEY_BYTES_MAX} bytes; was a whole file read as the key?"));
        }
        if key.contains(char::is_whitespace) {
            return Err(
                "the key holds white space inside; put the key alone there, without a name before it".to_owned()
            );
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the key holds a character that no key has; copy it anew".to_owned());
        }
        if is_placeholder(&key.to_ascii_lowercase()) {
            return Err("the key is a placeholder, not a key; put the one that the provider gave you there".to_owned());
        }
        if HOSTS_ZAI.iter().any(|host| base_url.contains(&format!("://{host}/"))) && !key.contains('.') {
            return Err(
                "the key is suspicious: a key of z.ai is two parts with a dot between them, and this has no dot; \
                        copy it whole from https://z.ai/manage-apikey/apikey-list"
                    .to_owned(),
            );
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether a text in small letters only stands for a key.
fn is_placeholder(key: &str) -> bool {
    let bare = key.strip_prefix("sk-").unwrap_or(key);
    let same = |of: &str| of.chars().all(|c| matches!(c, 'x' | '*' | '.' | '-' | '_' | '0'));
    PLACEHOLDERS.contains(&bare)
        || BEGINNINGS.iter().any(|beginning| bare.starts_with(beginning))
        || (bare.starts_with("your") && bare.contains("key"))
        || bare.contains("...")
        || bare.contains("xxx")
        || bare.contains('…')
        || same(bare)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "http://127.0.0.1:11434/v1";
    const ZAI: &str = "https://api.z.ai/api/paas/v4";

    #[test]
    fn a_key_is_taken_without_what_stands_around_it_and_never_printed() {
        let key = Secret::check(" 0f3c9.very-Secret_1\n", ZAI).unwrap();
        assert_eq!(key.expose(), "0f3c9.very-Secret_1");
        assert_eq!(format!("{key:?}"), "***");
        assert!(Secret::check("ollama", LOCAL).is_ok(), "an endpoint of one's own takes what it likes");
        assert!(Secret::check("test", LOCAL).is_ok());
    }

    #[test]
    fn what_only_stands_for_a_key_is_refused() {
        for key in [
            "your-api-key",
            "YOUR_API_KEY",
            "your-key-here",
            "changeme",
            "undefined",
            "null",
            "None",
            "xxxxxxxx",
            "sk-xxxx",
            "<api-key>",
            "sk-...",
            "sk-....",
            "${ZAI_API_KEY}",
            "$ZAI_API_KEY",
            "{{key}}",
            "TODO",
            "todo-later",
            "replace-me",
            "****",
            "sk-",
            "api_key",
        ] {
            let told = Secret::check(key, LOCAL).expect_err(key);
            assert!(told.contains("placeholder"), "{key}: {told}");
        }
    }

    #[test]
    fn what_can_be_no_key_is_told_without_being_shown() {
        let long = "k".repeat(KEY_BYTES_MAX + 1);
        for (key, base_url, why) in [
            ("", LOCAL, "is empty"),
            (" \n", LOCAL, "is empty"),
            ("ZAI_API_KEY = abc123def", LOCAL, "white space"),
            ("abc\u{e4}def", LOCAL, "no key has"),
            ("abc\u{7}def", LOCAL, "no key has"),
            (long.as_str(), LOCAL, "longer than 1024 bytes"),
            ("abc123def", ZAI, "suspicious"),
            ("abc123def", "https://open.bigmodel.cn/api/paas/v4", "suspicious"),
        ] {
            let told = Secret::check(key, base_url).unwrap_err();
            assert!(told.contains(why), "{told}");
            assert!(key.trim().is_empty() || !told.contains(key.trim()), "{told}");
            assert!(!told.contains("abc"), "{told}");
        }
        assert!(Secret::check(&"k".repeat(KEY_BYTES_MAX), LOCAL).is_ok());
    }
}
