//! Alarms are told in a chat: their beginnings and ends, each once, through the store as any reply.

mod core;

use std::time::Duration;

use messages::store::{Commit, Notice, Notices, Owner, Query, Rows, Write};
use messages::turn::Chat;
use messages::{Address, Moment};
use runtime::System;

use self::core::{Telling, Told};

/// How long the store may take.
const STORE_MAX: Duration = Duration::from_secs(2);

/// The chat that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChat {
    /// The context whose log it stands in.
    pub context: Address,
    /// The chat itself.
    pub chat: Chat,
}

/// What tells.
pub(super) struct Teller(Telling);

impl Teller {
    pub(super) fn new(now: Moment) -> Self {
        Self(Telling::new(now.0))
    }

    /// What has changed is put into the store, where the chat's lane finds it. While the store does not work, nothing is
    /// told; what was to be told is told later.
    pub(super) async fn look(&mut self, system: &System, to: Option<&AlarmChat>) {
        let now = system.now();
        self.0.look(now.0, &system.alarms_by_id());
        let Some(to) = to else { return };
        let Some((notices, told)) = told(system, &to.chat).await else { return };
        let Some(said) = self.0.say(now.0, &told, notices.waiting) else { return };
        let Ok(kept) = serde_json::to_string(&said.told) else { return };
        let notice = Notice {
            rev: notices.rev.saturating_add(1),
            context: to.context.clone(),
            chat: to.chat.clone(),
            text: said.text,
            told: kept,
            at: now,
        };
        let commit = Commit { by: Owner::Runtime, fences: Vec::new(), writes: vec![Write::Notice(Box::new(notice))] };
        // One that was refused, or of which nothing is known, is seen with the next look.
        match tokio::time::timeout(STORE_MAX, system.store().commit(commit)).await {
            Ok(Ok(_)) => tracing::debug!(chat = to.chat.chat, "alarms are told"),
            Ok(Err(why)) => tracing::debug!(chat = to.chat.chat, %why, "alarms can't be told yet"),
            Err(_) => tracing::debug!(chat = to.chat.chat, "alarms can't be told in time"),
        }
    }
}

/// What was told so far; `None` while the store can't be read. What can't be understood is as if nothing had been told.
async fn told(system: &System, chat: &Chat) -> Option<(Notices, Told)> {
    let asked = system.store().query(Query::Notices { chat: chat.clone() });
    let Ok(Ok(Rows::Notices(notices))) = tokio::time::timeout(STORE_MAX, asked).await else { return None };
    let told = serde_json::from_str(&notices.told).unwrap_or_default();
    Some((notices, told))
}
