use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::{ProviderKind, ZAI_BASE_URL};

const KEY: &str = "k3y.hunter2";

fn no_store(name: &str) -> Result<zeroize::Zeroizing<String>, String> {
    Err(format!("nobody was to ask for `{name}`"))
}

fn keys(config: &Config, env: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
    let judge = |url: &str, text: &str| Ok(format!("{url} {text}"));
    config.keys(&vars(env), &no_store, judge).map(|keys| keys.into_iter().collect()).map_err(|error| error.to_string())
}

#[test]
fn a_key_in_the_environment_is_all_that_z_ai_needs() {
    for variable in ["ZAI_API_KEY", "ZAI_API_KEY_FILE"] {
        let config = Config::load(&without_file(&[(variable, KEY)])).unwrap();
        let zai = &config.models.providers["zai"];
        assert_eq!((config.models.default.as_str(), zai.kind), ("zai", ProviderKind::Zai));
        assert_eq!((zai.base_url(), zai.model.as_deref(), zai.window()), (ZAI_BASE_URL, None, 16));
    }
    assert!(Config::load(&without_file(&[("ZAI_BASE_URL", "nonsense")])).unwrap().models.providers.is_empty());
}

#[test]
fn what_is_configured_beats_what_the_environment_offers() {
    let (_folder, mut options) = written("[models]\ndefault = 'offline'\n");
    options.env = vars(&[("ZAI_API_KEY", KEY)]);
    let config = Config::load(&options).unwrap();
    assert_eq!((config.models.default.as_str(), config.models.providers.len()), ("offline", 1));

    let (_folder, mut options) = written("[models.providers.z]\nkind = 'zai'\nmodel = 'glm-5'\n");
    options.env = vars(&[("ZAI_API_KEY", KEY)]);
    let config = Config::load(&options).unwrap();
    assert_eq!(config.models.providers.keys().collect::<Vec<_>>(), ["z"]);
    assert_eq!(
        (config.models.default.as_str(), config.models.providers["z"].model.as_deref()),
        ("offline", Some("glm-5"))
    );
    assert_eq!(keys(&config, &[("ZAI_API_KEY", KEY)]).unwrap(), [("z".into(), format!("{ZAI_BASE_URL} {KEY}"))]);

    let named = "[models.providers.zai]\nkind = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'\n";
    let (_folder, mut options) = written(named);
    options.env = vars(&[("ZAI_API_KEY", KEY)]);
    assert_eq!(Config::load(&options).unwrap().models.providers["zai"].kind, ProviderKind::Openai);
}

#[test]
fn the_address_of_the_environment_is_for_providers_that_name_none() {
    let (_folder, mut options) =
        written("[models.providers.a]\nkind = 'zai'\n[models.providers.b]\nkind = 'zai'\nbase_url = 'https://b.org'\n");
    options.env = vars(&[("ZAI_BASE_URL", "https://a.org/v4")]);
    let config = Config::load(&options).unwrap();
    let url = |name: &str| config.models.providers[name].base_url().to_owned();
    assert_eq!((url("a"), url("b")), ("https://a.org/v4".into(), "https://b.org".into()));
    for (wrong, why) in [("a.org", "must begin with https://"), ("http://a.org/v4", "in clear")] {
        options.env = vars(&[("ZAI_BASE_URL", wrong)]);
        let told = complaint_of(&options);
        assert!(told.starts_with("environment variable ZAI_BASE_URL: ") && told.contains(why), "{told}");
    }
}

#[test]
fn a_key_that_is_there_twice_or_not_at_all_is_told() {
    let env = [("ZAI_API_KEY", KEY), ("ZAI_API_KEY_FILE", "/k")];
    let told = keys(&Config::load(&without_file(&env)).unwrap(), &env).unwrap_err();
    assert!(told.contains("both ZAI_API_KEY and ZAI_API_KEY_FILE are set; unset one of them"), "{told}");
    let bare = load("[models.providers.z]\nkind = 'zai'\n").unwrap();
    assert!(keys(&bare, &[]).unwrap_err().contains("z.ai needs a key; set ZAI_API_KEY or ZAI_API_KEY_FILE"));
}

#[test]
fn a_key_that_is_refused_names_its_variable_once() {
    let env = [("ZAI_API_KEY", KEY)];
    let no = |_: &str, _: &str| Err::<(), _>("it is empty".to_owned());
    let told = Config::load(&without_file(&env)).unwrap().keys(&vars(&env), &no_store, no).unwrap_err().to_string();
    assert_eq!(told, "environment variable ZAI_API_KEY: `models.providers.zai`: it is empty");
    let named = load("[models.providers.z]\nkind = 'zai'\n").unwrap();
    let told = named.keys(&vars(&env), &no_store, no).unwrap_err().to_string();
    assert!(told.ends_with("`models.providers.z`: the environment variable ZAI_API_KEY: it is empty"), "{told}");
}

#[test]
fn a_key_file_of_the_environment_is_read_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let env = [("ZAI_API_KEY_FILE", file.to_str().unwrap())];
    let config = Config::load(&without_file(&env)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(keys(&config, &env).unwrap(), [("zai".into(), format!("{ZAI_BASE_URL} {KEY}"))]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = keys(&config, &env).unwrap_err();
    assert!(told.contains("mode 644") && told.ends_with("(ZAI_API_KEY_FILE names it)"), "{told}");
}
