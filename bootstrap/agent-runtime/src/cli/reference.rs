//! The pages that are made from the program: `docs/commands.md` and the list of the pages of checks.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::Cli;
use crate::doctor::CHECKS;

/// Flags that stand once, at the beginning of the page, and a command that has them.
const SHARED: [(&str, &str); 3] = [("data", "verify"), ("config", "verify"), ("json", "verify")];

/// Commands that end with another exit code than 0, 1 and 2.
const CODES: [(&str, &str); 9] = [
    ("chat", "0 to 7"),
    ("verify", "0, 1, 2, 8"),
    ("pki show", "0, 1, 2, 8"),
    ("audit verify", "0, 1, 2, 8"),
    ("backup create", "0, 1, 2, 8"),
    ("backup verify", "0, 1, 2, 8"),
    ("backup list", "0, 1, 2, 8"),
    ("restore", "0, 1, 2, 8"),
    ("serve", "0, 1, 2; 130 or 143 when it was told a second time to stop"),
];

const HEAD: &str = "\
<!-- Made from the program; `UPDATE_DOCS=1 cargo nextest run -p agent-runtime` writes it again. -->

# Commands

Every command of `agent-runtime` and every command of a chat. `--help` behind a command says the same.

Data goes to standard output, everything else to standard error. Exit codes are 0 (it was done), 1 (it was not; the reason
is on standard error) and 2 (the command line can't be read) where nothing else is said; [chat.md](chat.md#exit-codes)
says what each means.

Many commands take these:

";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// What stands in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn help(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default =
        if defaults.is_empty() || is_flag { String::new() } else { format!(" [default: {}]", defaults.join(",")) };
    let possible: Vec<_> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let values =
        if possible.is_empty() || is_flag { String::new() } else { format!(" One of {}.", possible.join(", ")) };
    let env = arg.get_env().map(|name| format!(" [env: {}]", name.to_string_lossy())).unwrap_or_default();
    cell(&format!("{help}{values}{default}{env}"))
}

fn written(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let more =
        if matches!(arg.get_action(), ArgAction::Append) || arg.get_num_args().is_some_and(|n| n.max_values() > 1) {
            "…"
        } else {
            ""
        };
    let takes = !matches!(arg.get_action(), ArgAction::SetTrue);
    let value = if takes { format!(" {value}{more}") } else { String::new() };
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("`-{short}`, `--{long}{value}`"),
        (_, Some(long)) => format!("`--{long}{value}`"),
        _ => format!("`{}`", value.trim()),
    }
}

fn rows<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    args.map(|arg| format!("| {} | {} |\n", written(arg), help(arg))).collect()
}

fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
}

fn usage(path: &str, command: &Command) -> String {
    let positionals = command.get_positionals().map(|arg| {
        let name = written(arg);
        let name = name.trim_matches('`');
        if arg.is_required_set() { format!(" {name}") } else { format!(" [{name}]") }
    });
    format!("agent-runtime {path}{}", positionals.collect::<String>())
}

fn about(command: &Command) -> String {
    let short = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let (first, rest) =
        (short.trim_end_matches('.'), long.strip_prefix(&short).unwrap_or(&long).trim_start_matches('.').trim());
    [format!("{first}."), rest.to_owned()].join("\n\n").trim_end().to_owned()
}

/// The rows of the flags that stand at the beginning.
fn shared(cli: &Command) -> Vec<String> {
    let row = |(id, of)| {
        let command = cli.find_subcommand(of).unwrap();
        rows(command.get_arguments().filter(|arg| arg.get_id() == id))
    };
    SHARED.map(row).to_vec()
}

fn section(path: &str, command: &Command, shared: &[String], out: &mut String) {
    let subcommands: Vec<&Command> =
        command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help").collect();
    let does_something = !command.is_subcommand_required_set();
    *out += &format!("\n## {path}\n\n{}\n", about(command));
    if does_something {
        *out += &format!("\n`{}`\n", usage(path, command));
        if let Some((_, codes)) = CODES.iter().find(|(of, _)| *of == path) {
            *out += &format!("\nExit codes: {codes}.\n");
        }
        let is_shared = |arg: &&Arg| shared.contains(&rows(std::iter::once(*arg)));
        let own = rows(shown(command).filter(|arg| !is_shared(arg)));
        if !own.is_empty() {
            *out += &format!("\n| argument or flag | what it is |\n|---|---|\n{own}");
        }
        let also: Vec<String> = shown(command).filter(is_shared).map(|arg| format!("`--{}`", arg.get_id())).collect();
        if !also.is_empty() {
            *out += &format!("\nAlso {}.\n", also.join(", "));
        }
    }
    for sub in subcommands {
        section(&format!("{path} {}", sub.get_name()), sub, shared, out);
    }
}

fn commands_page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let shared = shared(&cli);
    let mut page = format!("{HEAD}| flag | what it is |\n|---|---|\n{}", shared.concat());
    for command in cli.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        section(command.get_name(), command, &shared, &mut page);
    }
    page += "\n## In a chat\n\n`/help` shows those that you may use there; policy decides at each use.\n\n";
    page += "| command | what it does |\n|---|---|\n";
    for command in workspaces::commands::TABLE {
        page += &format!("| `{}` | {} |\n", cell(command.usage), command.what);
    }
    page
}

fn errors_page() -> String {
    let mut page = String::from(
        "<!-- Made from the program; `UPDATE_DOCS=1 cargo nextest run -p agent-runtime` writes it again. -->\n\n\
         # What can be wrong around a node\n\n\
         One page for each check of `agent-runtime doctor`: what is looked at, why it matters, what to do. The pages are in\n\
         the program, too: `agent-runtime explain ID`.\n\n\
         | id | what is looked at |\n|---|---|\n",
    );
    for check in CHECKS {
        page += &format!("| [`{0}`]({0}.md) | {1} |\n", check.id, check.title);
    }
    page
}

#[test]
fn the_pages_of_commands_and_of_checks_say_what_the_program_has() {
    for (name, wanted) in [("commands.md", commands_page()), ("errors/README.md", errors_page())] {
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file(name), &wanted).unwrap();
        }
        let written = std::fs::read_to_string(file(name)).unwrap_or_default();
        assert!(written == wanted, "docs/{name} is behind; run `UPDATE_DOCS=1 cargo nextest run -p agent-runtime`");
    }
}

#[test]
fn every_command_that_names_an_exit_code_of_its_own_stands_among_those_with_one() {
    let page = commands_page();
    for (path, _) in CODES {
        assert!(page.contains(&format!("\n## {path}\n")), "{path} is no command any more");
    }
    for section in page.split("\n## ").filter(|section| section.contains("xit code 8")).skip(1) {
        let path = section.lines().next().unwrap();
        assert!(CODES.iter().any(|(of, codes)| *of == path && codes.contains('8')), "{path}");
    }
}
