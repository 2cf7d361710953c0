//! Which provider answers. Pure.

use messages::model::{Class, Failure};

/// Names shown in a message before the rest is only counted.
const NAMES_SHOWN_MAX: usize = 8;

/// Chooses a provider: the default if it is allowed, else the first allowed one that is configured. With no list of
/// allowed models, the default.
pub(crate) fn choose<'a>(default: &'a str, configured: &'a [String], allowed: &[String]) -> Result<&'a str, Failure> {
    if allowed.is_empty() || allowed.iter().any(|name| name == default) {
        return Ok(default);
    }
    let chosen = allowed.iter().find_map(|name| configured.iter().find(|have| *have == name));
    chosen.map(String::as_str).ok_or_else(|| not_allowed(configured, allowed))
}

fn not_allowed(configured: &[String], allowed: &[String]) -> Failure {
    Failure {
        class: Class::NotAllowed,
        message: format!(
            "This context allows only the models {}; this node has {}.",
            names(allowed),
            names(configured)
        ),
        advice: "Name one of this node's models under `models` in the context's context.md, or add the missing one under `[models.providers]` in agent-runtime.toml.".to_owned(),
    }
}

fn names(all: &[String]) -> String {
    let shown: Vec<_> = all.iter().take(NAMES_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    match all.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_default_answers_unless_the_context_says_otherwise() {
        let have = list(&["offline", "zai", "local"]);
        for (allowed, chosen) in [
            (list(&[]), "zai"),
            (list(&["local", "zai"]), "zai"),
            (list(&["local", "offline"]), "local"),
            (list(&["gone", "offline"]), "offline"),
        ] {
            assert_eq!(choose("zai", &have, &allowed).unwrap(), chosen, "{allowed:?}");
        }
    }

    #[test]
    fn a_model_that_is_not_allowed_is_never_used_instead() {
        let failure = choose("zai", &list(&["zai", "offline"]), &list(&["gone"])).unwrap_err();
        assert_eq!(failure.class, Class::NotAllowed);
        assert_eq!(failure.message, "This context allows only the models `gone`; this node has `zai`, `offline`.");
    }

    #[test]
    fn a_long_list_of_names_is_counted_not_printed() {
        let many: Vec<_> = (0..10).map(|n| format!("m{n}")).collect();
        assert!(names(&many).ends_with("`m7` and 2 more"));
        assert!(!names(&many[..8]).contains("more"));
    }
}
