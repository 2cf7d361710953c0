//! What is wrong with a backup.

/// Why a backup can't be read. Nothing of it may be used.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    /// It is not what a backup is, or not one that this program reads.
    #[error("it is no backup that this program reads: {0}")]
    Foreign(String),
    /// It was cut or changed.
    #[error("it is damaged in `{member}`: {why}")]
    Damaged {
        /// The member in which that was first known; `the seal` when all members are as they were.
        member: String,
        /// What does not fit.
        why: String,
    },
    /// What is read from it can't be put where it belongs.
    #[error("`{member}` can't be written: {why}")]
    Put {
        /// Which member.
        member: String,
        /// What the operating system says.
        why: std::io::Error,
    },
}

impl Bad {
    pub(crate) fn damaged(member: &str, why: impl std::fmt::Display) -> Self {
        Self::Damaged { member: member.to_owned(), why: why.to_string() }
    }
}
