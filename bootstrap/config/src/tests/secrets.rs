use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::KEY_BYTES_MAX;

const PROVIDER: &str =
    "[models.providers.zai]\nkind = 'openai'\nmodel = 'glm'\nbase_url = 'https://api.example.org/v1'\n";
const KEY: &str = "k3y-hunter2";

/// A judge that takes what is not empty, and shows where it was asked about.
fn judged(_: &str, text: &str) -> Result<String, String> {
    let key = text.trim();
    if key.is_empty() { Err("it is empty".into()) } else { Ok(key.to_owned()) }
}

/// A store that has one secret.
fn of_store(name: &str) -> Result<zeroize::Zeroizing<String>, String> {
    if name == "z-ai" { Ok(KEY.to_owned().into()) } else { Err(format!("there is no secret `{name}`; set it")) }
}

/// Loads a provider whose key is in a file of this text and mode, and asks for the keys.
fn key_of_file(text: &str, mode: u32) -> Result<String, String> {
    let (folder, options) = written(&format!("{PROVIDER}key_file = 'key'\n"));
    let file = folder.path().join("key");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    let keys = Config::load(&options).unwrap().keys(&[], &of_store, judged).map_err(|error| error.to_string())?;
    Ok(keys["zai"].clone())
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
        format!("{PROVIDER}key_secret = '{KEY}_'\n"),
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
fn a_key_that_is_refused_is_told_with_its_place_and_is_not_repeated() {
    let told = key_of_file(" \n", 0o600).unwrap_err();
    assert!(
        told.contains("agent-runtime.toml:5:12: `models.providers.zai.key_file`: ")
            && told.ends_with("/key: it is empty"),
        "{told}"
    );
    let config = load(&format!("{PROVIDER}key_env = 'ZAI_API_KEY'\n")).unwrap();
    let no = |url: &str, _: &str| Err::<(), _>(format!("no key for {url}"));
    let told = config.keys(&vars(&[("ZAI_API_KEY", KEY)]), &of_store, no).unwrap_err().to_string();
    assert!(told.ends_with("the environment variable ZAI_API_KEY: no key for https://api.example.org/v1"), "{told}");
    assert!(!told.contains(KEY), "{told}");
}

#[test]
fn a_file_that_is_too_large_for_a_key_is_not_read() {
    let long = |bytes: u64| "k".repeat(usize::try_from(bytes).unwrap());
    assert!(key_of_file(&long(KEY_BYTES_MAX), 0o600).is_ok());
    assert!(key_of_file(&long(KEY_BYTES_MAX + 1), 0o600).unwrap_err().contains("larger than 4096 bytes"));
}

#[test]
fn a_key_comes_from_the_variable_that_is_named() {
    let config = load(&format!("{PROVIDER}key_env = 'ZAI_API_KEY'\n")).unwrap();
    assert_eq!(config.keys(&vars(&[("OTHER", "x"), ("ZAI_API_KEY", KEY)]), &of_store, judged).unwrap()["zai"], KEY);
    let told = config.keys(&[], &of_store, judged).unwrap_err().to_string();
    assert!(
        told.ends_with("`models.providers.zai.key_env`: the environment variable ZAI_API_KEY is not set"),
        "{told}"
    );
}

#[test]
fn a_key_comes_from_the_store_by_the_name_that_is_named_and_what_is_wrong_there_is_told_with_the_place() {
    let config = load(&format!("{PROVIDER}key_secret = 'z-ai'\n")).unwrap();
    assert_eq!(config.keys(&[], &of_store, judged).unwrap()["zai"], KEY);
    assert_eq!(config.secrets_named()["z-ai"], ["models.providers.zai.key_secret"]);
    let (_folder, options) = written(&format!("{PROVIDER}key_secret = 'other'\n"));
    let told = Config::load(&options).unwrap().keys(&[], &of_store, judged).unwrap_err().to_string();
    assert!(told.ends_with(":5:14: `models.providers.zai.key_secret`: there is no secret `other`; set it"), "{told}");
    let no = |_: &str, _: &str| Err::<(), _>("it is empty".to_owned());
    let told = config.keys(&[], &of_store, no).unwrap_err().to_string();
    assert!(told.ends_with("`models.providers.zai.key_secret`: the secret `z-ai`: it is empty"), "{told}");
}

#[test]
fn a_key_is_named_in_one_way_alone() {
    let ways = ["key_file = '/k'\n", "key_secret = 'k'\n", "key_env = 'K'\n"];
    for (one, other, told_at) in [(0, 1, "key_secret"), (0, 2, "key_env"), (1, 2, "key_env")] {
        let told = complaint(&format!("{PROVIDER}{}{}", ways[one], ways[other]));
        assert!(
            told.contains(":6:") && told.contains("names its key more than once; keep one of"),
            "{told_at}: {told}"
        );
    }
    assert!(complaint(&format!("{PROVIDER}{}", ways.concat())).contains("more than once"));
    for way in ways {
        load(&format!("{PROVIDER}{way}")).unwrap();
    }
}

#[test]
fn a_provider_without_a_key_needs_none() {
    assert!(load(PROVIDER).unwrap().keys(&[], &of_store, judged).unwrap().is_empty());
}
