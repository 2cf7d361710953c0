//! What a service manager hears, and what signals do.

use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;
use tests::fake_model::Mode;
use tests::process::{STOP_MAX, program};

use crate::work::site::{Site, until};

use super::SOON;

/// The next word that the manager hears.
fn heard(manager: &UnixDatagram) -> String {
    let mut word = [0; 256];
    let length = manager.recv(&mut word).expect("a word");
    String::from_utf8(word[..length].to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_when_it_is_ready_alive_reloaded_and_stopping() {
    let mut site = Site::laid("", program().unwrap()).await;
    let socket = site.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    let name = socket.display().to_string();
    site.start_with(&[("NOTIFY_SOCKET", &name), ("WATCHDOG_USEC", "300000")]).await;
    assert_eq!(heard(&manager), "READY=1");
    assert_eq!((heard(&manager), heard(&manager)), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
    site.node().signal(Signal::HUP).unwrap();
    let reloading = loop {
        let word = heard(&manager);
        if word != "WATCHDOG=1" {
            break word;
        }
    };
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(heard(&manager), "READY=1");
    site.end_node(false).await;
    let last = std::iter::from_fn(|| Some(heard(&manager))).find(|word| word != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once_and_the_turn_goes_on_at_the_next_start() {
    let mut site = Site::with("").await;
    // A reply of which nobody says that it came, and a turn that runs, hold up the stop for a moment: time for the second.
    site.define("home", "other", "");
    let mut bob = site.talk_as("bob", "home", "other").await;
    bob.say("hello").await.unwrap();
    bob.takes_and_says_nothing(SOON).await.unwrap();
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let asked = ann.say("take your time").await.unwrap();
    let calls = || site.model.stats().calls == 2;
    until("the model is asked", SOON, calls).await;
    let mut node = site.take_node();
    node.signal(Signal::TERM).unwrap();
    let until_said = std::time::Instant::now() + SOON;
    while !node.said().contains("stopping") {
        assert!(std::time::Instant::now() < until_said, "{}", node.said());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    node.signal(Signal::INT).unwrap();
    let status = node.wait(STOP_MAX).await.unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None), "{}", node.said());
    assert!(node.said().contains("ended at once"), "{}", node.said());
    site.model.set(Mode::default());
    let session = ann.session().to_owned();
    drop((ann, bob, node));
    site.start().await;
    let mut ann = crate::faults::driver::Driver::attach_again(&site.data(), &session).await.unwrap();
    let again = ann.say("take your time").await.unwrap();
    assert_eq!(asked, again);
    ann.settled(std::slice::from_ref(&again), SOON).await.unwrap();
    ann.leave().await;
    site.end().await;
}
