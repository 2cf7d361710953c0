use super::*;

#[test]
fn every_complaint_names_its_place_and_what_to_do() {
    let broken = "\
[node]
nmae = 'x'
data = 5

[log]
level = 'warning'
json = 'yes'

[runtime]
passivate_after_s = 0
mailbox_max = 1.5
force_wire_form = [true]

[models]
default = 'Zai'

[models.providers.Zai]
kind = 'openai'

[models.providers.zai]
kind = 'open-ai'
base_url = 'example.org'
window = 99999999999999999999
key_env = 'sk-a.b'

[models.providers.other]
kind = 'openai'

[workspaces]
home = 'x'
work = { notes = ['', '~/notes', 3], note = [] }

[extra]
";
    insta::assert_snapshot!("broken_file", complaint(broken));
}

#[test]
fn complaints_about_the_environment_and_flags_name_the_variable_and_the_flag() {
    let mut options = without_file(&[
        ("AGENT_RUNTIME_NODE_NAME", "x"),
        ("AGENT_RUNTIME_LOG__JSON", "perhaps"),
        ("AGENT_RUNTIME_RUNTIME__MAILBOX_MAX", "many"),
        ("AGENT_RUNTIME_RUNTIME", "x"),
        ("AGENT_RUNTIME_WORKSPACES__HOME__NOTE", "/a"),
    ]);
    options.overrides = vec![flag("node.nam", "x", "--set node.nam=x")];
    insta::assert_snapshot!("broken_environment", complaint_of(&options));
}

#[test]
fn what_must_hold_between_keys_is_told_with_its_place() {
    let text = "\
[models]
default = 'zia'
[models.providers.zai]
kind = 'openai'
model = 'glm'
base_url = 'http://example.org/v1'
key_file = '/k'
key_env = 'K'
[models.providers.offline]
kind = 'openai'
model = 'm'
base_url = 'http://localhost:1/v1'
key_env = 'K'
[models.providers.bare]
kind = 'openai'
[models.providers.far]
kind = 'zai'
base_url = 'http://example.org/v4'
price_input = 5
[models.routes]
chat = ['zai', 'zia/glm']
triage = ['offline/x']
";
    insta::assert_snapshot!("between_keys", complaint(text));
}

#[test]
fn text_that_is_not_toml_is_told_with_its_place() {
    assert!(complaint("[node]\n  name = 'ä' x\n").starts_with("agent-runtime.toml:2:14: this is not TOML: "));
    assert!(complaint("[node]\nname = 'a'\nname = 'b'\n").starts_with("agent-runtime.toml:3:1: this is not TOML: "));
}

#[test]
fn columns_count_characters_not_bytes() {
    assert!(complaint("node = { 'ä' = 1 }").starts_with("agent-runtime.toml:1:10: unknown key `ä`"));
    assert!(
        complaint("node = { name = 'ä', x = 1 }").starts_with("agent-runtime.toml:1:17: `node.name` can't be used")
    );
}
