//! What `--version` tells of a build: the commit, the profile, the compiler. Each that can't be found out is `unknown`.

// Cargo is spoken to over standard output.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

fn main() {
    tell("RUNTIME_BUILD_COMMIT", git(&["rev-parse", "--short=12", "HEAD"]).as_deref());
    tell("RUNTIME_BUILD_PROFILE", profile().as_deref());
    tell("RUNTIME_BUILD_RUSTC", said(Command::new(variable("RUSTC")).arg("--version")).as_deref());
    println!("cargo:rerun-if-changed=build.rs");
    // The first is there in every clone; the second is written with each commit.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists());
        path.into_iter().for_each(|path| println!("cargo:rerun-if-changed={path}"));
    }
}

fn tell(name: &str, value: Option<&str>) {
    println!("cargo:rustc-env={name}={}", value.unwrap_or("unknown"));
}

fn git(args: &[&str]) -> Option<String> {
    said(Command::new("git").args(args))
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The profile's own name: `PROFILE` says `release` of all that inherit from it. `OUT_DIR` is
/// `<target>/<profile>/build/<package>/out`.
fn profile() -> Option<String> {
    let out = variable("OUT_DIR");
    let folder = Path::new(&out).ancestors().nth(3)?;
    Some(folder.file_name()?.to_string_lossy().into_owned())
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
