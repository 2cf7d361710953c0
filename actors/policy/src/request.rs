//! What is asked of the policy: who, in which role, wants to do what, to what.

use std::fmt;

use messages::tool::Risk;
use messages::turn::Principal;

/// How much someone is trusted, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May look.
    Viewer,
    /// May talk, and stop their own turns.
    Member,
    /// May also stop the turns of others.
    Operator,
    /// May also change how the node works.
    Admin,
    /// May do everything that no rule forbids.
    Overlord,
}

impl Role {
    /// All roles, most trusted first.
    pub const ALL: [Self; 5] = [Self::Overlord, Self::Admin, Self::Operator, Self::Member, Self::Viewer];

    /// The name in rows, files and chat.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overlord => "overlord",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Reads the name back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What someone wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Say something that is to be answered.
    Talk,
    /// `/help`: which commands there are.
    Help,
    /// `/search`: find passages of what the context may read.
    Search,
    /// `/open`: read one file of what the context may read.
    Open,
    /// `/status`: how the context stands.
    Status,
    /// `/why`: what came of an event, and by which rules.
    Why,
    /// `/stop`: end a turn that runs or waits.
    Stop,
    /// `/new`: begin the conversation afresh.
    New,
    /// `/whoami`: name and role.
    Whoami,
    /// `/task`: have something done in steps, beside the conversation.
    Task,
    /// `/tasks`: which tasks there are, and how they stand.
    Tasks,
    /// `/tasks cancel`, `retry` and `discard`: what becomes of a task.
    TaskControl,
    /// `/memory`: what the context keeps of its conversation.
    Memory,
    /// `/forget`: take an entry out of that.
    Forget,
    /// Let a model use a tool on one's behalf.
    UseTool,
}

impl Action {
    /// All actions, in the order of `/help`.
    pub const ALL: [Self; 15] = [
        Self::Talk,
        Self::Help,
        Self::Search,
        Self::Open,
        Self::Status,
        Self::Why,
        Self::Stop,
        Self::New,
        Self::Whoami,
        Self::Task,
        Self::Tasks,
        Self::TaskControl,
        Self::Memory,
        Self::Forget,
        Self::UseTool,
    ];

    /// The name that a turn records: `talk`, or the command with its slash.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Help => "/help",
            Self::Search => "/search",
            Self::Open => "/open",
            Self::Status => "/status",
            Self::Why => "/why",
            Self::Stop => "/stop",
            Self::New => "/new",
            Self::Whoami => "/whoami",
            Self::Task => "/task",
            Self::Tasks => "/tasks",
            Self::TaskControl => "/tasks cancel",
            Self::Memory => "/memory",
            Self::Forget => "/forget",
            Self::UseTool => "tool",
        }
    }

    /// Reads the name back; a command with its slash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether talk in a context is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Answers {
    /// Each message.
    #[default]
    Always,
    /// None: talk is written down and nothing more. Commands are still answered.
    Never,
}

/// What the files of a context and its workspace say about people.
///
/// People are named as `user` for a user of the console, or as `connector:user` for anyone, so that a stranger who takes
/// the same name elsewhere gains nothing by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextFacts {
    /// Who may use it; `None`: anyone the connector vouches for.
    pub members: Option<Vec<String>>,
    /// Whom it does not react to.
    pub ignore: Vec<String>,
    /// Whether talk is answered.
    pub answers: Answers,
    /// The owner of a private workspace; `None` for a community one. An empty name is nobody's, so a private workspace
    /// that names no owner is closed.
    pub owner: Option<String>,
    /// Tools that models may use here, by name; `*` stands for all.
    pub tools: Vec<String>,
}

/// A tool that is to be used, as the registry has it: the model has no say in it.
#[derive(Debug, Clone, Copy)]
pub struct Tool<'a> {
    /// Its name.
    pub name: &'a str,
    /// How much harm it can do.
    pub risk: Risk,
}

/// What it is to be done to.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// The context, as its files in force have it.
    pub context: &'a ContextFacts,
    /// Whose turn `/stop` would end, or whose task is steered; `None` when there is none, and for every other action.
    pub turn_of: Option<&'a Principal>,
    /// The tool that would be used; `None` for every other action.
    pub tool: Option<Tool<'a>>,
}

impl<'a> Resource<'a> {
    /// A context, and nothing in it in particular.
    #[must_use]
    pub fn of(context: &'a ContextFacts) -> Self {
        Self { context, turn_of: None, tool: None }
    }
}

/// One question to the policy.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks, by the connector's word.
    pub principal: &'a Principal,
    /// Their role.
    pub role: Role,
    /// What they want to do.
    pub action: Action,
    /// To what.
    pub resource: Resource<'a>,
}

impl Request<'_> {
    /// `name` as a file writes it is the one who asks.
    pub(crate) fn is_by(&self, name: &str) -> bool {
        let Principal { connector, user } = self.principal;
        let same_user = |named: &str| !named.is_empty() && named == user;
        match name.split_once(':') {
            Some((at, named)) => at == connector && same_user(named),
            None => connector == "console" && same_user(name),
        }
    }
}
