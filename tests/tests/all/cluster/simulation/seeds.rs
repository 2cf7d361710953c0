//! Runs seeds, each in a process of its own: what ractor knows of actors is global to a process, and so is chance. A run is the
//! same again only with a `getrandom` that is seeded, too: keys of hash maps, tokens and the order in which `select!` looks
//! at its branches come from there. It is replaced by `tests/faults/chance.c`; without a C compiler the faults of a seed are
//! the same, and what happens between them differs from run to run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::outside::Control;
use super::run::{Told, run};

/// The test that is one run, started by the others.
const ONE: &str = "one_seed";
const SEED: &str = "AGENT_RUNTIME_TEST_CHANCE";
const CONTROL: &str = "AGENT_RUNTIME_TEST_CONTROL";
/// What a run says at its end begins with this.
const MARK: &str = "simulated:";
/// A run that takes longer than this of real time hangs.
const RUN_MAX: Duration = Duration::from_secs(120);

/// What came of a seed.
pub(super) struct Ended {
    pub(super) seed: u64,
    /// What was violated, in words.
    pub(super) violation: Option<String>,
    pub(super) counts: String,
    /// Commits that the store refused as stale.
    pub(super) fenced: u64,
    pub(super) digest: String,
}

/// A `getrandom` that is seeded; `None` where there is no C compiler.
pub(super) struct Seeded(Option<(tempfile::TempDir, PathBuf)>);

impl Seeded {
    pub(super) fn make() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/chance.c");
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("chance.so");
        let cc =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&made).arg(&source).arg("-ldl").output();
        match cc {
            Ok(done) if done.status.success() => Self(Some((folder, made))),
            Ok(done) => panic!("{} can't be compiled: {}", source.display(), String::from_utf8_lossy(&done.stderr)),
            Err(error) => {
                println!("cc: {error}; without a C compiler a seed gives the same faults, but not the same run");
                Self(None)
            }
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

/// What a run is asked for, by whoever started this process.
pub(super) fn asked() -> (u64, Control) {
    let control = std::env::var(CONTROL).unwrap_or_default();
    let control = Control::ALL.into_iter().find(|of| format!("{of:?}") == control).unwrap_or(Control::Nothing);
    (number(SEED).unwrap_or(0), control)
}

/// A number from the environment.
pub(super) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Runs it in this process, and says what came of it.
pub(super) fn one((seed, control): (u64, Control)) {
    let Told { violation, counts, fenced, digest } = run(seed, control);
    println!("{MARK} {digest:016x} | {fenced} | {counts} | {}", violation.unwrap_or_default());
}

/// Runs these seeds, as many at a time as there are processors, in order of their numbers.
pub(super) fn all(seeds: std::ops::Range<u64>, control: Control) -> Vec<Ended> {
    let seeded = Seeded::make();
    let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
    let ended = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let one = of(seed, control, &seeded);
            ended.lock().unwrap().push(one);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut ended = ended.into_inner().unwrap();
    ended.sort_by_key(|ended| ended.seed);
    ended
}

/// Runs one seed in a process of its own.
pub(super) fn of(seed: u64, control: Control, seeded: &Seeded) -> Ended {
    let output = process(seed, control, seeded);
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.split_once(MARK)).map(|(_, told)| told);
    let parts: Vec<&str> = line.unwrap_or_default().splitn(4, " | ").collect();
    match parts[..] {
        [digest, fenced, counts, violation] => Ended {
            seed,
            fenced: fenced.parse().unwrap(),
            violation: Some(violation.trim().to_owned()).filter(|violation| !violation.is_empty()),
            counts: counts.to_owned(),
            digest: digest.trim().to_owned(),
        },
        _ => {
            let words = String::from_utf8_lossy(&output.stderr);
            let last: Vec<&str> = words.lines().rev().take(6).collect();
            let violation = Some(format!("it ended ({}) without a word: {last:?}", output.status));
            Ended { seed, violation, counts: String::new(), fenced: 0, digest: String::new() }
        }
    }
}

fn process(seed: u64, control: Control, seeded: &Seeded) -> Output {
    let module = module_path!().split_once("::").map_or("", |(_, path)| path);
    let one = module.replace("seeds", ONE);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([one.as_str(), "--exact", "--ignored", "--nocapture"]);
    command.env(SEED, seed.to_string()).env(CONTROL, format!("{control:?}")).env("RUST_BACKTRACE", "0");
    if let Some((_, made)) = &seeded.0 {
        command.env("LD_PRELOAD", made);
    }
    let traced = std::env::var_os("TRACE").is_some() || std::env::var_os("LOG").is_some();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(if traced { Stdio::inherit() } else { Stdio::piped() });
    let child = command.spawn().unwrap();
    let id = child.id();
    let (sender, done) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match done.recv_timeout(RUN_MAX) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            drop(Command::new("kill").args(["-9", &id.to_string()]).status());
            done.recv().unwrap().unwrap()
        }
    }
}
