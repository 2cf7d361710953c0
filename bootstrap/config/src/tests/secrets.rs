use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::KEY_BYTES_MAX;

const PROVIDER: &str =
    "[models.providers.zai]\nkind = 'openai'\nmodel = 'glm'\nbase_url = 'https://api.example.org/v1'\n";
const KEY: &str = "k3y-hunter2";

/// Loads a provider whose key is in a file of this text and mode, and asks for the keys.
fn key_of_file(text: &str, mode: u32) -> Result<String, String> {
    let (folder, options) = written(&format!("{PROVIDER}key_file = 'key'\n"));
    let file = folder.path().join("key");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    let keys = Config::load(&options).unwrap().keys(&[]).map_err(|error| error.to_string())?;
    Ok(keys["zai"].expose().to_owned())
}

#[test]
fn a_key_written_into_the_file_or_a_variable_is_refused_and_not_repeated() {
    for name in ["key", "api_key", "token", "secret", "password"] {
        let told = complaint(&format!("{PROVIDER}{name} = '{KEY}'\n"));
        assert!(
            told.starts_with("agent-runtime.toml:5:1: a secret is never written here") && told.contains("`key_file`"),
            "{told}"
        );
        assert!(!told.contains(KEY), "{told}");
    }
    let told = complaint_of(&without_file(&[("AGENT_RUNTIME_MODELS__PROVIDERS__ZAI__KEY", KEY)]));
    assert!(told.contains("AGENT_RUNTIME_MODELS__PROVIDERS__ZAI__KEY: a secret is never written here"), "{told}");
    assert!(!told.contains(KEY), "{told}");
}

#[test]
fn a_key_that_went_astray_is_not_repeated() {
    for text in [
        format!("[models.providers]\nzai = '{KEY}'\n"),
        format!("{PROVIDER}key_env = '{KEY}'\n"),
        format!("[models.providers.zai]\nkind = 'openai'\nmodel = 'glm'\nbase_url = 'https://ann:{KEY}@e.org'\n"),
    ] {
        let told = complaint(&text);
        assert!(!told.contains(KEY), "{told}");
    }
}

#[test]
fn a_key_file_is_read_only_when_nobody_else_can_read_it() {
    for mode in [0o600, 0o400] {
        assert_eq!(key_of_file(&format!("{KEY}\n"), mode).as_deref(), Ok(KEY));
    }
    for mode in [0o640, 0o604, 0o644, 0o620, 0o601] {
        let told = key_of_file(KEY, mode).unwrap_err();
        assert!(told.contains("agent-runtime.toml:5:12: ") && told.contains(&format!("mode {mode:03o}")), "{told}");
        assert!(told.contains("chmod 600") && !told.contains(KEY), "{told}");
    }
}

#[test]
fn what_can_be_no_key_is_refused_without_repeating_it() {
    for (text, why) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("undefined\n", "placeholder"),
        ("CHANGEME", "placeholder"),
        ("two words", "white space"),
        ("schlüssel", "no key has"),
    ] {
        let told = key_of_file(text, 0o600).unwrap_err();
        assert!(told.contains(why), "{text:?}: {told}");
    }
    let long = |bytes: u64| "k".repeat(usize::try_from(bytes).unwrap());
    assert!(key_of_file(&long(KEY_BYTES_MAX), 0o600).is_ok());
    assert!(key_of_file(&long(KEY_BYTES_MAX + 1), 0o600).unwrap_err().contains("larger than 4096 bytes"));
}

#[test]
fn a_key_comes_from_the_variable_that_is_named() {
    let config = load(&format!("{PROVIDER}key_env = 'ZAI_API_KEY'\n")).unwrap();
    assert_eq!(config.keys(&vars(&[("OTHER", "x"), ("ZAI_API_KEY", KEY)])).unwrap()["zai"].expose(), KEY);
    let told = config.keys(&[]).unwrap_err().to_string();
    assert!(
        told.ends_with("`models.providers.zai.key_env`: the environment variable ZAI_API_KEY is not set"),
        "{told}"
    );
    assert!(config.keys(&vars(&[("ZAI_API_KEY", "")])).unwrap_err().to_string().contains("is empty"));
}

#[test]
fn a_provider_without_a_key_needs_none() {
    assert!(load(PROVIDER).unwrap().keys(&[]).unwrap().is_empty());
}

#[test]
fn a_secret_is_never_shown() {
    let config = load(&format!("{PROVIDER}key_env = 'ZAI_API_KEY'\n")).unwrap();
    let keys = config.keys(&vars(&[("ZAI_API_KEY", KEY)])).unwrap();
    assert_eq!(format!("{keys:?}"), "{\"zai\": [secret]}");
    assert!(!format!("{config:?}{}", serde_json::to_string(&config).unwrap()).contains(KEY));
}
