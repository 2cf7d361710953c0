//! The installer as root, for real: in a mount namespace over this machine's own files, where nothing is kept.

use std::path::Path;
use std::process::Command;

use tests::process::program;

/// Why it can't be done here.
fn is_not_allowed() -> Option<String> {
    if !rustix::process::getuid().is_root() {
        return Some("it takes root: an account is made, and files are given to it".into());
    }
    let mount = ["--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"];
    match Command::new("unshare").args(mount).output() {
        Ok(done) if done.status.success() => None,
        Ok(done) => Some(String::from_utf8_lossy(&done.stderr).into_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

#[test]
fn as_root_it_makes_account_folders_and_configuration_and_the_account_can_run_the_node() -> anyhow::Result<()> {
    if let Some(why) = is_not_allowed() {
        eprintln!("SKIPPED: the installer is not run as root here: {why}");
        return Ok(());
    }
    let (folder, root) = (tempfile::tempdir()?, Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?);
    let script = root.join("tests/faults/as-root.sh");
    let done = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "bash"])
        .args([&script, &root, &program()?, folder.path()])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AGENT_RUNTIME_HTTP__LISTEN", "")
        .output()?;
    let (said, told) = (String::from_utf8(done.stdout)?, String::from_utf8(done.stderr)?);
    assert!(done.status.success() && said.ends_with("has run\n"), "{said}\n{told}");
    for line in [
        "has /usr/local/bin/agent-runtime root 755",
        "has /var/lib/agent-runtime agent-runtime 700",
        "has /etc/agent-runtime agent-runtime 700",
        "has /etc/agent-runtime/agent-runtime.toml agent-runtime 600",
        "has /etc/systemd/system/agent-runtime.service root 644",
        "== the account agent-runtime is there",
        "== /etc/agent-runtime/agent-runtime.toml is there and is kept",
    ] {
        assert!(said.lines().any(|found| found == line), "{line}\n{said}");
    }
    assert!(said.contains("\"outcome\":\"replied\""), "{said}");
    assert!(!Path::new("/var/lib/agent-runtime/agent-runtime").exists() && folder.path().read_dir()?.next().is_none());
    Ok(())
}
