//! The shapes of texts that the schema names by `format`.

use serde_json::Value as Json;

/// The longest name in characters.
const SLUG_CHARS_MAX: usize = 64;
/// The longest name of a model at its endpoint, in bytes.
const MODEL_BYTES_MAX: usize = 256;
/// The longest path in bytes (Linux, `PATH_MAX`).
const PATH_BYTES_MAX: usize = 4_096;

/// `text` has the shape that `format` names; an unknown or empty name takes anything.
///
/// # Errors
/// What is wrong and what to do, as the rest of a sentence.
pub(crate) fn check(format: &str, text: &str) -> Result<(), String> {
    match format {
        "slug" => slug(text),
        "model" => model(text),
        "path" => path(text),
        "http-url" => http_url(text),
        "env-name" => env_name(text),
        "secret-name" => secret_name(text),
        "listen" => listen(text),
        "peer" => peer(text),
        "role" => role(text),
        "holds" if text == "*" => Ok(()),
        "holds" => slug(text),
        "chat" => chat(text),
        _ => Ok(()),
    }
}

/// `text` is as long as the schema wants.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_length(schema: &Json, text: &str) -> Result<(), String> {
    let edge = |name| schema.get(name).and_then(Json::as_u64);
    let chars = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    if edge("minLength").is_some_and(|min| chars < min) {
        return Err("it is empty".into());
    }
    match edge("maxLength").filter(|max| chars > *max) {
        Some(max) => Err(format!("it is longer than {max} characters")),
        None => Ok(()),
    }
}

fn slug(text: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if begins && text.len() <= SLUG_CHARS_MAX && text.bytes().all(allowed) {
        return Ok(());
    }
    Err("use 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit".into())
}

/// `provider`, or `provider/model`; the model's own name may hold anything that can be seen.
fn model(text: &str) -> Result<(), String> {
    let (provider, model) = text.split_once('/').map_or((text, None), |(provider, model)| (provider, Some(model)));
    let unseen = |c: char| c.is_whitespace() || c.is_control();
    if slug(provider).is_ok()
        && model.is_none_or(|m| !m.is_empty() && m.len() <= MODEL_BYTES_MAX && !m.contains(unseen))
    {
        return Ok(());
    }
    Err("give a provider's name, or `provider/model`".into())
}

fn path(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    if text.len() > PATH_BYTES_MAX {
        return Err(format!("it is longer than {PATH_BYTES_MAX} bytes"));
    }
    if text.contains('\0') {
        return Err("it holds a zero byte".into());
    }
    if text.starts_with('~') {
        return Err("`~` is not expanded here; write the whole path".into());
    }
    Ok(())
}

fn http_url(text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return Err("it must begin with https:// or http://".into());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("it holds a user or password; name the key by `key_secret`, `key_file` or `key_env`".into());
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err("it names no host".into());
    }
    if text.contains(['?', '#']) {
        return Err("it must end before `?` or `#`; give the path up to and without /chat/completions".into());
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it holds white space".into());
    }
    Ok(())
}

fn secret_name(text: &str) -> Result<(), String> {
    if slug(text).is_ok() && !text.contains('_') {
        return Ok(());
    }
    Err("give the name of a secret (1 to 64 of a-z, 0-9 and -, beginning with a letter or digit), not its value".into())
}

fn listen(text: &str) -> Result<(), String> {
    if text.is_empty() || text.parse::<std::net::SocketAddr>().is_ok() {
        return Ok(());
    }
    Err("give an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080, or nothing for nowhere".into())
}

/// A name or number of a host, and a port.
fn peer(text: &str) -> Result<(), String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let named = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/');
    if named && port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Ok(());
    }
    Err("give a host and a port, such as hub.example:7443 or 10.0.0.1:7443".into())
}

fn role(text: &str) -> Result<(), String> {
    if matches!(text, "hub" | "connector" | "worker") { Ok(()) } else { Err("use hub, connector or worker".into()) }
}

fn chat(text: &str) -> Result<(), String> {
    let is_one = |(workspace, context)| slug(workspace).is_ok() && slug(context).is_ok();
    if text.is_empty() || text.split_once('/').is_some_and(is_one) {
        return Ok(());
    }
    Err("give a workspace and a context, such as home/general, or nothing for none".into())
}

fn env_name(text: &str) -> Result<(), String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let begins = text.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if begins && text.len() <= SLUG_CHARS_MAX * 4 && text.bytes().all(allowed) {
        return Ok(());
    }
    Err("give the name of an environment variable (A-Z, 0-9 and _), not its value".into())
}

/// A key would cross the network in clear: plain HTTP to a host that is not this one.
pub(crate) fn is_plain_and_far(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let near = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    !near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_at_their_edges() {
        assert!(check("slug", &"a".repeat(SLUG_CHARS_MAX)).is_ok());
        for bad in ["", "-a", "A", "a b", "ä", &"a".repeat(SLUG_CHARS_MAX + 1)] {
            assert!(check("slug", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_model_is_a_provider_or_one_of_its_models() {
        for right in ["zai", "zai/glm-5", "local/org/qwen3:8b", &format!("p/{}", "m".repeat(MODEL_BYTES_MAX))] {
            assert!(check("model", right).is_ok(), "{right:?}");
        }
        for wrong in ["", "/m", "zai/", "Zai", "zai/a b", &format!("p/{}", "m".repeat(MODEL_BYTES_MAX + 1))] {
            assert!(check("model", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn paths_are_taken_whole() {
        assert!(check("path", &"a".repeat(PATH_BYTES_MAX)).is_ok());
        for bad in ["", "~/notes", "a\0b", &"a".repeat(PATH_BYTES_MAX + 1)] {
            assert!(check("path", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_with_a_password_in_it_is_refused_without_repeating_it() {
        let why = check("http-url", "https://ann:hunter2@example.org/v1").unwrap_err();
        assert!(why.contains("key_file") && !why.contains("hunter2"), "{why}");
        for bad in
            ["", "example.org", "ftp://example.org", "https://", "https://:80/", "https://a b/", "https://a/?k=v"]
        {
            assert!(check("http-url", bad).is_err(), "{bad:?}");
        }
        assert!(check("http-url", "http://127.0.0.1:11434/v1").is_ok());
    }

    #[test]
    fn an_address_to_listen_at_is_one_of_ip_or_nothing() {
        for right in ["", "127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535"] {
            assert!(check("listen", right).is_ok(), "{right:?}");
        }
        for wrong in ["localhost:8080", "8080", ":8080", "127.0.0.1", "127.0.0.1:65536", "::1:80", "off"] {
            assert!(check("listen", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_peer_is_a_host_with_a_port_and_a_role_one_of_three() {
        for right in ["localhost:7443", "10.0.0.1:1", "[::1]:65535", "hub.example.org:7443"] {
            assert!(check("peer", right).is_ok(), "{right:?}");
        }
        for wrong in ["", "hub", ":7443", "hub:0", "hub:65536", "http://hub:7443", "a b:1"] {
            assert!(check("peer", wrong).is_err(), "{wrong:?}");
        }
        assert!(["hub", "connector", "worker"].iter().all(|role| check("role", role).is_ok()));
        assert!(["", "Hub", "model"].iter().all(|role| check("role", role).is_err()));
        assert!(["*", "home"].iter().all(|held| check("holds", held).is_ok()));
        assert!(["", "**", "a b"].iter().all(|held| check("holds", held).is_err()));
    }

    #[test]
    fn a_chat_is_a_workspace_and_a_context_or_nothing() {
        for right in ["", "home/general", "a/b"] {
            assert!(check("chat", right).is_ok(), "{right:?}");
        }
        for wrong in ["home", "home/", "/general", "home/a/b", "Home/general", "home general"] {
            assert!(check("chat", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_key_in_place_of_a_variables_name_is_noticed() {
        assert!(check("env-name", "ZAI_API_KEY").is_ok());
        assert!(check("env-name", "sk-abc.def").is_err());
        assert!(check("env-name", "").is_err());
        assert!(check("env-name", &"A".repeat(256)).is_ok());
        assert!(check("env-name", &"A".repeat(257)).is_err());
    }

    #[test]
    fn a_key_in_place_of_a_secrets_name_is_noticed_and_not_repeated() {
        for right in ["a", "z-ai", "0", &"a".repeat(SLUG_CHARS_MAX)] {
            assert!(check("secret-name", right).is_ok(), "{right:?}");
        }
        for wrong in ["", "-a", "sk_canary", "sk-Canary", "canary.x", &"a".repeat(SLUG_CHARS_MAX + 1)] {
            let why = check("secret-name", wrong).unwrap_err();
            assert!(!why.contains("canary") && !why.contains("Canary"), "{why}");
        }
    }

    #[test]
    fn plain_http_is_near_only_on_this_host() {
        for near in ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:80/", "https://example.org"] {
            assert!(!is_plain_and_far(near), "{near}");
        }
        for far in ["http://example.org/v1", "http://192.168.1.5:11434", "http://localhost.example.org/"] {
            assert!(is_plain_and_far(far), "{far}");
        }
    }
}
