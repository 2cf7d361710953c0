use super::*;
use crate::{Level, Watch};

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = Config::load(&without_file(&[("HOME", "/root"), ("PATH", "/bin")])).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!((config.node.name.as_str(), config.node.data), ("node", path("./data")));
    assert_eq!((config.models.default.as_str(), config.runtime.passivate_after_s), ("offline", 600));
}

#[test]
fn a_later_layer_beats_an_earlier_one_key_by_key() {
    let (_folder, mut options) = written("[node]\nname = 'file'\n[log]\nlevel = 'warn'\njson = true\n");
    options.env = vars(&[("AGENT_RUNTIME_NODE__NAME", "env"), ("AGENT_RUNTIME_LOG__LEVEL", "debug")]);
    options.overrides = vec![flag("log.level", "trace", "--log-level")];
    let config = Config::load(&options).unwrap();
    assert_eq!((config.node.name.as_str(), config.log.level, config.log.json), ("env", Level::Trace, true));
}

#[test]
fn a_variable_is_read_as_its_key_wants_it() {
    let config = Config::load(&without_file(&[
        ("AGENT_RUNTIME_NODE__NAME", "123"),
        ("AGENT_RUNTIME_NODE__ROLES", "connector,worker"),
        ("AGENT_RUNTIME_NODE__PEERS", "hub:7443,[::1]:7443"),
        ("AGENT_RUNTIME_LOG__JSON", "true"),
        ("AGENT_RUNTIME_RUNTIME__MAILBOX_MAX", "7"),
        ("AGENT_RUNTIME_WORKSPACES__HOME__NOTES", "/a/notes:/b"),
        ("AGENT_RUNTIME_MODELS__ROUTES__CHAT", "zai/glm:x,offline"),
        ("AGENT_RUNTIME_MODELS__PROVIDERS__ZAI__KIND", "zai"),
    ]))
    .unwrap();
    assert_eq!(config.models.routes.chat, ["zai/glm:x", "offline"]);
    assert_eq!(config.node.peers, ["hub:7443", "[::1]:7443"]);
    assert_eq!((config.node.name.as_str(), config.log.json, config.runtime.mailbox_max), ("123", true, 7));
    assert_eq!(config.workspaces["home"].notes, [path("/a/notes"), path("/b")]);
}

#[test]
fn a_provider_may_be_made_of_several_layers() {
    let (_folder, mut options) = written("[models.providers.zai]\nkind = 'openai'\nmodel = 'glm'\n");
    assert!(complaint_of(&options).contains("needs the key `base_url`"));
    options.env = vars(&[("AGENT_RUNTIME_MODELS__PROVIDERS__ZAI__BASE_URL", "https://api.example.org/v1")]);
    let config = Config::load(&options).unwrap();
    assert_eq!(config.models.providers["zai"].base_url(), "https://api.example.org/v1");
    assert_eq!(config.models.providers["zai"].window(), 64);
}

#[test]
fn relative_paths_of_a_file_are_taken_from_its_folder_and_others_are_left() {
    let text = "[node]\ndata = 'd'\n[models]\ntable = 't'\n[workspaces.home]\nnotes = ['n', '/abs']\n[models.providers.p]\nkind = 'openai'\n\
                model = 'm'\nbase_url = 'https://e.org'\nkey_file = 'k'\n[secrets]\nkey_file = 's'\n";
    let (folder, mut options) = written(text);
    let config = Config::load(&options).unwrap();
    assert_eq!(config.node.data, folder.path().join("d"));
    assert_eq!(config.workspaces["home"].notes, [folder.path().join("n"), path("/abs")]);
    assert_eq!(config.models.table, Some(folder.path().join("t")));
    assert_eq!(config.models.providers["p"].key_file, Some(folder.path().join("k")));
    assert_eq!(config.secrets.key_file, Some(folder.path().join("s")));

    options.env = vars(&[("AGENT_RUNTIME_WORKSPACES__HOME__NOTES", "m")]);
    options.overrides = vec![flag("node.data", "e", "--data")];
    let config = Config::load(&options).unwrap();
    assert_eq!((config.node.data, config.workspaces["home"].notes.clone()), (path("e"), vec![path("m")]));
}

#[test]
fn a_variable_that_the_program_reads_itself_is_no_key() {
    let mut options = without_file(&[("AGENT_RUNTIME_CONFIG", "/etc/a.toml")]);
    assert!(complaint_of(&options).starts_with("environment variable AGENT_RUNTIME_CONFIG: unknown key"));
    options.env_not_keys = vec!["AGENT_RUNTIME_CONFIG".into()];
    assert!(Config::load(&options).is_ok());
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no.toml");
    let error = Config::load(&LoadOptions { file: Some(file.clone()), ..LoadOptions::default() }).unwrap_err();
    assert!(matches!(&error, ConfigError::Unreadable { file: named, .. } if *named == file), "{error}");
}

#[test]
fn a_workspace_is_watched_by_events_unless_it_says_otherwise() {
    let watch = |text: &str| load(text).unwrap().workspaces["w"].watch;
    assert_eq!(watch("[workspaces.w]"), Watch::Events);
    assert_eq!(watch("[workspaces.w]\nwatch = 'poll'"), Watch::Poll);
    assert!(complaint("[workspaces.w]\nwatch = 'often'").contains("it must be one of `events`, `poll`"));
}
