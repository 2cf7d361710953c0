//! Previews of an answer for a chat whose context runs on another node.

use console::client::{Client, Who};
use console::wire::FromNode;
use tests::cluster::three;
use tests::fake_model::{FakeModel, Mode};

use super::world::{CONNECTOR, World};

/// More than one session follows at once: each must end.
const QUESTIONS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_an_answer_are_shown_at_the_connector_while_a_worker_gives_it() {
    let fake = FakeModel::start(0).await.unwrap();
    fake.set(Mode::Normal { chunks: 8, delay_ms: 120 });
    let mut plans = three();
    plans[2].rest = format!(
        "[models]\ndefault = \"fake\"\n\n[models.providers.fake]\nkind = \"openai\"\nbase_url = \"{}\"\nmodel = \"m\"\n",
        fake.base_url()
    );
    let mut world = World::of(plans).await;
    world.start().await;
    let who = Who {
        user: "ann".into(),
        workspace: "home".into(),
        context: "general".into(),
        session: "looks-on".into(),
        previews: true,
        only_asks: false,
    };
    let mut client = Client::connect(&world.data(CONNECTOR), who).await.unwrap().unwrap();
    let mut with_previews = 0;
    for n in 0..QUESTIONS {
        if n == 2 {
            fake.set(Mode::Normal { chunks: 4, delay_ms: 120 });
        }
        let question = format!("question number {n} of an answer that comes word by word by word");
        let asked = client.submit(&format!("looks-on:{n}"), &question).unwrap();
        client.flush().await.unwrap();
        let mut shown = String::new();
        loop {
            match client.next().await.unwrap() {
                FromNode::Preview { inbound, piece } if inbound == asked => shown.push_str(&piece),
                FromNode::Reply(reply) if reply.inbound == asked => {
                    client.flushed(reply.delivery).unwrap();
                    assert!(reply.text.contains("echo:"), "{}", reply.text);
                    // Best effort: none of it may be wrong, some of it may be missing.
                    assert!(shown.is_empty() || reply.text.contains(shown.trim()), "{shown} of {}", reply.text);
                    break;
                }
                _ => {}
            }
        }
        with_previews += usize::from(!shown.is_empty());
    }
    assert!(with_previews > QUESTIONS / 2, "{with_previews} of {QUESTIONS} answers were shown as they came");
    client.leave().await;
    world.verified().await;
}
