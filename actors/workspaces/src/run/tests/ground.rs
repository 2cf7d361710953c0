//! What runs are tried with: models with prices, tools of each kind, people.

use std::sync::Arc;

use messages::model::Purpose;
use messages::offer::{Offer, Offers, Prices};
use messages::task::WorkLimits;
use messages::tool::{Repeat, Risk, ToolSpec};
use messages::turn::{Chat, Principal, Scope, Turn};
use messages::{Address, Moment, Slug};
use policy::{ContextFacts, Policy};

use crate::WorkFacts;

/// A moment in the middle of a day.
pub(crate) const NOON: Moment = Moment(20_000 * 86_400_000 + 43_200_000);

pub(crate) fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub(crate) fn context(name: &str) -> Address {
    Address::context(&slug("home"), &slug(name))
}

pub(crate) fn by(user: &str) -> Principal {
    Principal { connector: "console".into(), user: user.into() }
}

pub(crate) fn turn_of(user: &str, context: &str) -> Turn {
    Turn {
        reply_to: Chat { connector: "console".into(), chat: format!("home/{context}") },
        principal: by(user),
        action: "/task".into(),
        policy: 1,
        rules: Vec::new(),
        scope: Scope { workspace: slug("home"), context: slug(context), paths: vec!["**".into()] },
        definition: "built-in".into(),
        taken_at: NOON,
    }
}

/// Anyone may use it, with every tool.
pub(crate) fn open_context() -> ContextFacts {
    ContextFacts { tools: vec!["*".into()], ..ContextFacts::default() }
}

/// `ann` holds the data folder: she is overlord. Everyone else is a member.
pub(crate) fn facts() -> WorkFacts {
    WorkFacts {
        policy: Policy::built_in(),
        account: "ann".into(),
        offers: Arc::new(offers()),
        tools: Arc::new(tools()),
        limits: WorkLimits::default(),
    }
}

/// `big` takes one millionth of a dollar for a token read and four for one written; `small` a quarter of it, but for what it
/// writes; `free` nothing; `quotes` nothing and knows no tools.
fn offers() -> Offers {
    let offer = |name: &str, input: u64, output: u64, takes_tools| Offer {
        name: name.into(),
        provider: name.into(),
        model: name.into(),
        prices: Prices { input: input * 250_000, output: output * 250_000, cached: input * 250_000 },
        context_tokens: 200_000,
        takes_tools,
        quotes_only: false,
    };
    let all = vec![
        offer("big", 4, 16, true),
        offer("small", 1, 20, true),
        offer("free", 0, 0, true),
        offer("quotes", 0, 0, false),
    ];
    let route = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let routes = [
        (Purpose::Chat, route(&["big", "free"])),
        (Purpose::Research, route(&["small", "big"])),
        (Purpose::Triage, route(&["free"])),
        (Purpose::Draft, route(&["quotes"])),
    ];
    Offers { all, routes: routes.into_iter().collect() }
}

/// One of each kind.
fn tools() -> Vec<ToolSpec> {
    let spec = |name: &str, risk, repeat, tasks_only| ToolSpec {
        name: name.into(),
        what: "does something".into(),
        schema: "{}".into(),
        risk,
        repeat,
        tasks_only,
    };
    vec![
        spec("look", Risk::Low, Repeat::Free, false),
        spec("write", Risk::Medium, Repeat::Asks, false),
        spec("mail", Risk::Medium, Repeat::Never, false),
        spec("spawn_task", Risk::Low, Repeat::InCommit, false),
        spec("post", Risk::Low, Repeat::InCommit, true),
    ]
}
