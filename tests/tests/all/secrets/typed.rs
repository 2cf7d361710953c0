//! How a value comes in.

use std::path::Path;
use std::process::Command;

use tests::process::{Spec, program};

use super::{VALUE, listed, own, run, spec, world};

#[tokio::test]
async fn a_value_that_can_be_none_is_refused_and_nothing_is_made() {
    let world = world("");
    for (input, why) in [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("canary\0", "a control character"),
        (&"canary".repeat(4_000), "longer than 16384 bytes"),
    ] {
        let told = run(&world, &["secrets", "set", "zai"], input).await.expect_code(1).unwrap();
        assert!(told.stderr.contains(why) && !told.stderr.contains("canary"), "{}", told.stderr);
    }
    assert!(!world.data().exists());
    run(&world, &["secrets", "set", "zai"], &"x".repeat(16_384)).await.expect_code(0).unwrap();
}

#[tokio::test]
async fn a_value_on_the_command_line_is_refused_without_being_said_again() {
    let world = world("");
    for astray in
        [&["zai", "canary"][..], &["zai", "-canary"], &["zai", "--canary"], &["zai", "a", "canary"], &["sk_canary"]]
    {
        let told =
            spec(&world, &[&["secrets", "set"], astray].concat()).run(VALUE).await.unwrap().expect_code(1).unwrap();
        assert!(told.stdout.is_empty() && !told.stderr.contains("canary"), "{}", told.stderr);
    }
    assert!(!world.data().exists());
}

/// A terminal that python3 makes: prompt, keys, and all that it showed.
const TERMINAL: &str = "
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], 'secrets', 'set', 'zai', '--data', sys.argv[2]])
shown = b''
while b'not shown' not in shown:
    shown += os.read(fd, 4096)
keys = sys.argv[3].encode()
while keys:
    keys = keys[os.write(fd, keys[:512]):]
try:
    while True:
        more = os.read(fd, 4096)
        if not more: break
        shown += more
except OSError:
    pass
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

#[tokio::test]
async fn at_a_terminal_a_value_is_asked_for_and_not_shown() {
    let world = world("");
    let type_in = async |keys: &str| {
        let [program, data] = [program().unwrap(), world.data()].map(|path| path.display().to_string());
        let spec = Spec::new(Path::new("python3"), &["-c", TERMINAL, &program, &data, keys]);
        let done = spec.folder(&world.path("")).run("").await.unwrap();
        (done.code, done.stdout)
    };
    let (code, shown) = type_in("canary\u{3}").await;
    assert!(code == Some(1) && shown.contains("nothing was changed") && !shown.contains("canary"), "{shown}");
    assert!(!own(&world, "secrets.age").exists());
    // Longer than what a terminal's own line takes, and mended at its end.
    let long = format!("{VALUE}{}", "x".repeat(6_000));
    let (code, shown) = type_in(&format!("{long}y\u{7f}\r")).await;
    assert!(code == Some(0) && shown.contains("`zai` is set") && !shown.contains("canary"), "{shown}");
    let told = Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(own(&world, "secrets.key"))
        .arg(own(&world, "secrets.age"))
        .output();
    if let Ok(told) = told {
        assert!(String::from_utf8(told.stdout).unwrap().contains(&format!("\"{long}\"")));
    }
    assert_eq!(listed(&world).await.len(), 1);
}
