//! A measurement: how long "not there" takes beside "not allowed", in some minutes:
//! `cargo test -p tests --test all isolation::timing -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use tests::deployment::Shape;

use super::house::{GENERAL, House, said};
use crate::faults::driver::Driver;

const HIDDEN: usize = 2_000;
const ASKS: usize = 200;

async fn took(person: &mut Driver, line: &str) -> Duration {
    let began = Instant::now();
    said(person, line).await;
    began.elapsed()
}

/// The median, and the tenth and ninetieth of a hundred.
fn told(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1_000.0;
    format!("{:7.2} ms ({:.2} to {:.2})", at(50), at(10), at(90))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn not_there_takes_as_long_as_not_allowed() {
    let house = House::of(Shape::OneProcess, "", "[]").await;
    for n in 0..HIDDEN {
        let text = format!("# Hidden {n}\n\nEach holds hiddenword and hidden{n}.\n");
        house.put("home", &format!("plans/f{:02}/hidden{n:04}.md", n / 100), &text);
    }
    house.site.verified().await;
    let mut ann = house.person(&GENERAL).await;
    for (what, not_there, not_allowed) in [
        ("/open, a whole path", "/open plans/f07/hiddex{n}.md", "/open plans/f07/hidden07{n}.md"),
        ("/open, the end of a path", "/open hiddex{n}.md", "/open hidden07{n}.md"),
        ("/open, a log", "/open logs/console/plant.md", "/open logs/console/plans.md"),
        ("/search, a word of one", "/search hiddex{n}", "/search hidden7{n}"),
        ("/search, a word of all", "/search hiddexword", "/search hiddenword"),
        ("/search, in a folder", "/search path:plant/** roof", "/search path:plans/** roof"),
    ] {
        let (mut of_nothing, mut of_hidden) = (Vec::new(), Vec::new());
        for n in 0..ASKS {
            // By turns, so that whatever else the machine does falls on both.
            let n = format!("{:02}", n % 100);
            of_nothing.push(took(&mut ann, &not_there.replace("{n}", &n)).await);
            of_hidden.push(took(&mut ann, &not_allowed.replace("{n}", &n)).await);
        }
        println!("{what:26} not there {}   not allowed {}", told(of_nothing), told(of_hidden));
    }
    ann.leave().await;
    house.end().await;
}
