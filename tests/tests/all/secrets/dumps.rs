//! The memory of a process that holds keys is written nowhere.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tests::process::{NodeProcess, Spec, program};

use super::{set, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_crashes_leaves_no_core_whatever_the_shell_allows() {
    let world = world("");
    set(&world, "zai").await;
    let line = format!("ulimit -c unlimited; exec {} serve \"$@\"", program().unwrap().display());
    let spec = Spec::new(Path::new("/bin/sh"), &["-c", &line, "sh"]).folder(&world.path(""));
    let mut node = NodeProcess::start(spec, &world.data()).await.unwrap();
    let process = format!("/proc/{}", node.pid().as_raw_nonzero());
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    node.signal(Signal::ABORT).unwrap();
    let status = node.wait(Duration::from_secs(30)).await.unwrap();
    assert!(status.signal() == Some(6) && !status.core_dumped(), "{status:?}");
}
