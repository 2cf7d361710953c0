//! Folders of notes as they are found on real disks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use messages::turn::Outcome;

use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World, peak_kib};

fn fifo(path: &Path) -> anyhow::Result<()> {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    Ok(rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)?)
}

/// What no index should be held up by; what each must be said to be.
fn odd_files(notes: &Path, outside: &Path) -> anyhow::Result<Vec<(&'static str, &'static str)>> {
    fs::write(outside, "# Secret\n\nThe password is swordfish.\n")?;
    symlink(outside, notes.join("out.md"))?;
    symlink(notes, notes.join("loop"))?;
    symlink("self.md", notes.join("self.md"))?;
    fifo(&notes.join("pipe.md"))?;
    fs::write(notes.join("large.md"), "word ".repeat(9 * 1024 * 1024 / 5))?;
    fs::write(notes.join("binary.md"), b"# Binary\n\0\x01\x02".repeat(100))?;
    fs::write(notes.join("latin.md"), b"# Caf\xe9\n\nNot UTF-8.\n")?;
    fs::write(notes.join("locked.md"), "# Locked\n\nNobody reads this.\n")?;
    fs::set_permissions(notes.join("locked.md"), fs::Permissions::from_mode(0o000))?;
    let mut odd = vec![
        ("out.md", "symbolic link"),
        ("loop", "symbolic link"),
        ("self.md", "symbolic link"),
        ("pipe.md", "not a regular file"),
        ("large.md", "bytes"),
        ("binary.md", "not text"),
        ("latin.md", "not UTF-8"),
    ];
    // Root may read everything.
    if fs::read(notes.join("locked.md")).is_err() {
        odd.push(("locked.md", "permission denied"));
    }
    Ok(odd)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_can_not_be_read_are_named_with_the_reason_and_hide_no_other() -> anyhow::Result<()> {
    let world = World::new()?;
    let odd = odd_files(&world.path("notes"), &world.path("secret.md"))?;
    fs::write(world.path("notes/line.md"), format!("# Line\n\nzebra {}\n", "x".repeat(5_000_000)))?;
    let headings: String = (0..10_000).map(|n| format!("# Heading {n}\n\nunicorn{n} here\n\n")).collect();
    fs::write(world.path("notes/headings.md"), headings)?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    let until = Instant::now() + PATIENCE;
    for (question, answer) in
        [("quarterly plan", "ship in October"), ("zebra", "line.md"), ("unicorn9999", "unicorn9999 here")]
    {
        while !ann.ask(&format!("/search {question}"), PATIENCE).await?.text.contains(answer) {
            assert!(Instant::now() < until, "{question}");
        }
    }
    let ended = ann.ask("/search swordfish", PATIENCE).await?;
    assert!(!ended.text.contains("password"), "{}", ended.text);
    let status = ann.status().await?;
    let lines = status.indexes.join("\n");
    for (file, why) in odd {
        let named = lines.lines().any(|line| line.contains(&format!("notes/{file}")) && line.contains(why));
        assert!(named, "{file} ({why}) in\n{lines}");
        let opened = ann.ask(&format!("/open notes/{file}"), PATIENCE).await?;
        assert!(
            opened.text.contains("can't be opened: ") && opened.text.contains(why)
                || file == "loop" && opened.text.contains("no file"),
            "{file}: {opened:?}"
        );
    }
    println!("peak {} KiB", peak_kib(node.pid())?);
    ann.leave().await;
    world.becomes_clean().await?;
    node.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_files_are_indexed_while_questions_are_answered() -> anyhow::Result<()> {
    const FILES: usize = 100_000;
    let world = World::new()?;
    for folder in 0..FILES / 1_000 {
        let place = world.path(&format!("notes/d{folder}"));
        fs::create_dir(&place)?;
        for file in 0..1_000 {
            let n = folder * 1_000 + file;
            fs::write(place.join(format!("n{file}.md")), format!("# Note {n}\n\nThe code of note {n} is code{n}.\n"))?;
        }
    }
    let node = world.serve().await?;
    let began = Instant::now();
    let mut ann = Driver::attach(&world.data()).await?;
    let mut slowest = Duration::ZERO;
    let until = Instant::now() + PATIENCE * 2;
    let (mut asked, all) = (0, format!("{} files", FILES + 3));
    loop {
        let asking = Instant::now();
        assert_eq!(ann.ask("/search quarterly plan", PATIENCE).await?.outcome, Outcome::Replied);
        (asked, slowest) = (asked + 1, slowest.max(asking.elapsed()));
        let status = ann.status().await?;
        if status.indexes.iter().any(|line| line.contains(&all)) {
            break;
        }
        assert!(Instant::now() < until, "{:?}", status.indexes);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (seconds, peak) = (began.elapsed().as_secs_f64(), peak_kib(node.pid())?);
    println!("{FILES} files in {seconds:.1} s, peak {peak} KiB; {asked} searches meanwhile, the slowest {slowest:?}");
    let asking = Instant::now();
    assert!(ann.ask("/search code77777", PATIENCE).await?.text.contains("d77/n777.md"));
    println!("a search over all takes {:?}", asking.elapsed());
    assert!(slowest < Duration::from_secs(11) && peak < 512 * 1024);
    ann.leave().await;
    node.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_that_go_away_and_come_back_are_told_and_found_again() -> anyhow::Result<()> {
    let world = World::new()?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    ann.ask_until("/search quarterly plan", "ship in October", PATIENCE).await?;
    let away = world.path("away");
    fs::rename(world.path("notes"), &away)?;
    let is_away = |lines: &[String]| lines.iter().any(|line| line.contains("not there"));
    ann.status_until(PATIENCE, |status| is_away(&status.indexes)).await?;
    fs::rename(&away, world.path("notes"))?;
    ann.status_until(PATIENCE, |status| !is_away(&status.indexes)).await?;
    ann.ask_until("/search quarterly plan", "ship in October", PATIENCE).await?;
    ann.leave().await;
    world.becomes_clean().await?;
    node.stop().await?;
    Ok(())
}
