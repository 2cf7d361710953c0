//! A model that does not do what a model should.

use std::time::Duration;

use messages::turn::Outcome;
use tests::fake_model::{FakeModel, Mode};

use crate::faults::driver::Driver;
use crate::faults::world::{PATIENCE, World};

/// A world whose model is the fake, which may be silent for some seconds.
pub(super) fn with(fake: &FakeModel) -> anyhow::Result<World> {
    let world = World::new()?;
    let config = format!(
        "[models]\ndefault = \"fake\"\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\nfirst_byte_s = 5\nidle_s = 5\n",
        fake.base_url()
    );
    std::fs::write(world.path("agent-runtime.toml"), config)?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_gives_no_answer_fails_the_turn_in_words_and_the_next_works() -> anyhow::Result<()> {
    let fake = FakeModel::start(0).await?;
    let world = with(&fake)?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    let long = 300_000;
    for mode in [
        Mode::Empty,
        Mode::CutInMiddle,
        Mode::NeverEnds,
        Mode::NoDone,
        Mode::ReasoningOnly,
        Mode::InvalidJson,
        Mode::Unauthorized,
        Mode::SlowFirstByte { delay_ms: long },
        Mode::SlowBetween { delay_ms: long },
    ] {
        let name = mode.name();
        fake.set(mode);
        let ended = ann.ask("Does it answer?", PATIENCE).await?;
        assert_eq!(ended.outcome, Outcome::Failed, "{name}: {ended:?}");
        assert!(
            ended.text.starts_with("The model gave no answer: ") && ended.text.len() > 50,
            "{name}: {}",
            ended.text
        );
        fake.set(Mode::default());
        let ended = ann.ask("And now?", PATIENCE).await?;
        assert_eq!((ended.outcome, ended.text.as_str()), (Outcome::Replied, "echo: And now?"), "after {name}");
    }
    ann.leave().await;
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_stops_talking_is_cut_and_says_so() -> anyhow::Result<()> {
    let fake = FakeModel::start(0).await?;
    let world = with(&fake)?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    fake.set(Mode::Endless);
    let ended = ann.ask("Talk!", PATIENCE).await?;
    assert_eq!(ended.outcome, Outcome::Replied);
    assert!(ended.text.ends_with("(cut after 16000 bytes)") && ended.text.len() < 17_000, "{}", ended.text.len());
    ann.leave().await;
    node.stop().await?;
    world.is_clean().await
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_an_answer_that_does_not_end_by_itself() -> anyhow::Result<()> {
    let fake = FakeModel::start(0).await?;
    let world = with(&fake)?;
    let text = std::fs::read_to_string(world.path("agent-runtime.toml"))?;
    std::fs::write(world.path("agent-runtime.toml"), text.replace("idle_s = 5", "idle_s = 600"))?;
    let node = world.serve().await?;
    let mut ann = Driver::attach(&world.data()).await?;
    fake.set(Mode::NeverEnds);
    let hangs = ann.say("Does it end?").await?;
    let until = std::time::Instant::now() + PATIENCE;
    while fake.stats().in_flight == 0 && std::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let began = std::time::Instant::now();
    let stopped = ann.say("/stop").await?;
    ann.settled(&[hangs.clone(), stopped], PATIENCE).await?;
    assert_eq!(ann.ended[&hangs].outcome, Outcome::Cancelled, "{:?}", ann.ended);
    assert!(began.elapsed() < Duration::from_secs(30));
    fake.set(Mode::default());
    assert_eq!(ann.ask("And now?", PATIENCE).await?.text, "echo: And now?");
    ann.leave().await;
    node.stop().await?;
    world.is_clean().await
}
