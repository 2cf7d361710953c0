//! What is said in a place comes to whom the place admits.

use std::time::Instant;

use messages::store::TaskFound;
use messages::task::TaskState;

use tests::deployment::Shape;

use super::house::{DIARY, House, said};
use crate::work::site::SOON;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "not kept: the console gives what comes later to the newest session of the chat, be it admitted or not"]
async fn what_comes_later_waits_for_somebody_who_is_admitted() {
    let house = House::of(Shape::OneProcess, "", "[]").await;
    let mut desk = house.site.desk().await;
    let mut eve = house.person(&DIARY).await;
    let (_, task) = eve.task("tell of logcedar", SOON).await.unwrap();
    eve.leave().await;
    let mut bob = house.talk(&DIARY, "bob").await;
    let until = Instant::now() + SOON;
    let is_done =
        |found: TaskFound| matches!(found, TaskFound::Found(rows, _) if rows.task.state == TaskState::Succeeded);
    while !is_done(desk.find("diary", &task).await) {
        assert!(Instant::now() < until, "it does not end");
    }
    // Nothing overtakes a reply that waits, so that this one would come after the task's words.
    assert!(said(&mut bob, "/status").await.starts_with("Denied: "));
    assert!(bob.later.is_empty(), "{:?}", bob.later);
    bob.leave().await;
    let mut eve = house.person(&DIARY).await;
    eve.until(SOON, |eve| !eve.later.is_empty()).await.unwrap();
    eve.leave().await;
    house.end().await;
}
