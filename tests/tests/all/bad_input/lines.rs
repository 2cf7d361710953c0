//! Lines on standard input.

use tests::process::{Done, Spec, program};

use crate::faults::world::{World, peak_kib};

fn objects(done: &Done) -> Vec<serde_json::Value> {
    done.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn of_line(objects: &[serde_json::Value], line: u64) -> Vec<&serde_json::Value> {
    let events = objects.iter().filter(|object| object["line"] == line);
    let ids: Vec<_> = events.clone().filter_map(|object| object["accepted"].as_str()).collect();
    events.chain(objects.iter().filter(|o| o["inbound"].as_str().is_some_and(|id| ids.contains(&id)))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_too_long_or_no_text_is_refused_by_its_number_and_costs_no_other() -> anyhow::Result<()> {
    let world = World::new()?;
    let mut input = b"First line?\n".to_vec();
    input.extend(vec![b'x'; 1_000_000]);
    input.extend(b"\nThird \xff line?\nFourth line?\n\0\x1b]0;title\x07 fifth\xe2\x80\xae line\n");
    input.extend(b"last, without its end");
    let done = world.chat(input).await?.expect_code(5)?;
    let objects = objects(&done);
    for (line, words) in [(2, ["1000000 bytes", "65536"]), (3, ["not UTF-8 at its byte 7", "iconv"])] {
        let about = of_line(&objects, line);
        assert_eq!(about.len(), 1, "{about:?}");
        let why = about[0]["why"].as_str().unwrap();
        assert!(words.iter().all(|word| why.contains(word)), "{why}");
        assert!(done.stderr.contains(&format!("line {line}: not accepted")), "{}", done.stderr);
    }
    for line in [1, 4, 5, 6] {
        let about = of_line(&objects, line);
        assert_eq!(about.len(), 2, "line {line}: {about:?}");
        assert_eq!(about[1]["outcome"], "replied", "line {line}: {about:?}");
    }
    world.run(&["verify"]).await?.expect_code(0)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_steer_a_terminal_reaches_it_in_no_way() -> anyhow::Result<()> {
    let world = World::new()?;
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{7f}\u{8}\r";
    std::fs::write(world.path("notes/evil.md"), format!("# Zebra {evil}\n\nThe zebra {evil} is striped.\n"))?;
    std::fs::write(world.path(&format!("notes/z{}ebra.md", "\u{202e}")), "# Name\n\nA zebra by its name.\n")?;
    let notes = world.path("notes").display().to_string();
    let input = format!(
        "zebra {evil}\n/search zebra\n/open notes/evil.md\n/open {evil}\n/{evil}\n/help{evil}\n/status\n/why in_{evil}\n"
    );
    let is_unsafe = |c: char| console::escape::is_unsafe(c) && c != '\n' && c != '\t';
    for json in [&["--json"][..], &[]] {
        let data = world.data().display().to_string();
        let args = [&["chat", "--notes", &notes, "--data", &data][..], json].concat();
        let done = Spec::new(&program()?, &args).run(input.clone()).await?;
        assert!(matches!(done.code, Some(0 | 3)), "{done:?}");
        assert!(!done.stdout.contains(is_unsafe) && !done.stderr.contains(is_unsafe), "{done:?}");
        assert!(done.stdout.contains("striped"), "{done:?}");
    }
    for args in [&["status"][..], &["actors"], &["verify"], &["audit", "tail"], &["context", "show", "general"]] {
        let done = world.run(args).await?;
        assert!(!done.stdout.contains(is_unsafe) && !done.stderr.contains(is_unsafe), "{done:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lines_at_once_are_answered_in_order_with_bounded_memory() -> anyhow::Result<()> {
    const LINES: usize = 10_000;
    let world = World::new()?;
    let node = world.serve().await?;
    let before = peak_kib(node.pid())?;
    let began = std::time::Instant::now();
    let input: String = (1..=LINES).map(|n| format!("/whoami\n{}", if n % 2 == 0 { "\n" } else { "" })).collect();
    let done = world.chat(input).await?.expect_code(0)?;
    let objects = objects(&done);
    let accepted: Vec<&str> = objects.iter().filter_map(|object| object["accepted"].as_str()).collect();
    let replied: Vec<&str> =
        objects.iter().filter(|o| o["outcome"] == "replied").filter_map(|o| o["inbound"].as_str()).collect();
    assert_eq!(accepted.len(), LINES);
    assert_eq!(replied, accepted, "all are answered, in order, once");
    let peak = peak_kib(node.pid())?;
    println!("{LINES} lines in {} ms; the node's peak is {peak} KiB, {before} before", began.elapsed().as_millis());
    assert!(peak < before + 64 * 1024, "memory follows what is on its way, not what was said: {peak} KiB");
    node.stop().await?;
    world.is_clean().await
}
