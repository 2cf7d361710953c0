//! The installer, the unit, and what the program tells of itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tests::process::{Spec, program};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn install(args: &[&str]) -> Output {
    Command::new("bash").arg(root().join("compose/install.sh")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_installer_is_a_script_and_its_dry_run_does_all_that_the_page_says_and_nothing() {
    let checked = Command::new("bash").arg("-n").arg(root().join("compose/install.sh")).status().unwrap();
    assert!(checked.success());
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("root").display().to_string();
    for args in [&["--dry-run"][..], &["--dry-run", "--root", &place]] {
        let done = install(args);
        assert!(done.status.success(), "{}", text(&done.stderr));
        let said = text(&done.stdout);
        assert!(said.lines().all(|line| line.starts_with("+ ") || line.starts_with("== ")), "{said}");
        let page = std::fs::read_to_string(root().join("docs/install.md")).unwrap();
        let made = page.lines().filter_map(|line| line.strip_prefix("| `/")?.split('`').next());
        let gone: Vec<&str> = made.filter(|path| !said.contains(path)).collect();
        assert_eq!(gone, Vec::<&str>::new(), "{said}");
    }
    assert!(!folder.path().join("root").exists());
    assert_eq!(install(&["--surprise"]).status.code(), Some(2));
}

#[tokio::test]
async fn what_is_laid_out_below_a_folder_is_whole_and_a_second_time_changes_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (place, binary) = (folder.path().display().to_string(), program()?.display().to_string());
    let first = install(&["--root", &place, "--binary", &binary]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let file = folder.path().join("etc/agent-runtime/agent-runtime.toml");
    let written = std::fs::read_to_string(&file)?;
    assert!(written.contains("\ndata = \"/var/lib/agent-runtime\"\n"), "{written}");
    std::fs::write(&file, format!("{written}# mine\n"))?;
    let second = install(&["--root", &place, "--binary", &binary]);
    assert!(second.status.success() && text(&second.stdout).contains("is kept"), "{}", text(&second.stdout));
    assert!(std::fs::read_to_string(&file)?.ends_with("# mine\n"));
    let installed = folder.path().join("usr/local/bin/agent-runtime");
    let check = Spec::new(&installed, &["config", "check"]).arg(file.display().to_string()).run("").await?;
    check.expect_code(0)?;
    Ok(())
}

#[test]
fn the_unit_names_what_the_installer_places_and_a_system_takes_it() {
    let file = root().join("compose/systemd/agent-runtime.service");
    let unit = std::fs::read_to_string(&file).unwrap();
    for line in [
        "Type=notify",
        "ExecStart=/usr/local/bin/agent-runtime serve --config /etc/agent-runtime/agent-runtime.toml",
        "StateDirectory=agent-runtime",
        "User=agent-runtime",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    // Where systemd is installed it reads the unit; all that it may complain of is that the program is not installed here.
    let Ok(told) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output() else { return };
    let told = text(&told.stderr);
    let wrong: Vec<&str> = told.lines().filter(|line| line.contains("agent-runtime.service:")).collect();
    let wrong: Vec<&&str> = wrong.iter().filter(|line| !line.contains("is not executable")).collect();
    assert!(wrong.is_empty(), "{told}");
}

#[tokio::test]
async fn a_version_tells_its_build_and_each_shell_gets_its_completions() -> anyhow::Result<()> {
    let said = Spec::new(&program()?, &["--version"]).run("").await?.expect_code(0)?.stdout;
    for word in ["agent-runtime ", "\ncommit ", "\nprofile ", "\ncompiler rustc "] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let short = Spec::new(&program()?, &["-V"]).run("").await?.expect_code(0)?.stdout;
    assert_eq!(short.lines().count(), 1);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = Spec::new(&program()?, &["completions", shell]).run("").await?.expect_code(0)?.stdout;
        assert!(said.contains("agent-runtime") && said.contains("doctor"), "{shell}");
    }
    Ok(())
}
