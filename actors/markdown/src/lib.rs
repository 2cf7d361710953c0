//! Pure work on Markdown text: no clock, no files, no tasks; every function is a function of its arguments.
//!
//! | module | what may be called |
//! |---|---|
//! | [`frontmatter`] | [`frontmatter::split`], [`frontmatter::parse`]: the YAML head of a file, with its limits and error lines |
//! | [`log`] | [`log::render_inbound`], [`log::render_outbound`], [`log::render_redacted`], [`log::parse`]: entries of a chat log and back |
//! | [`chunk`] | [`chunk::chunks`], [`chunk::title`], [`chunk::front`], [`chunk::section`], [`chunk::sections`]: a file as passages under their headings |
//! | [`memory`] | [`memory::parse`], [`memory::edit`], [`memory::for_prompt`]: what a context keeps, entry by entry |
//! | [`paths`] | [`paths::matches`], [`paths::any`]: may this path be touched |
//! | [`text`] | [`text::clean_line`], [`text::is_hidden`], [`text::cut`]: words of others on one safe line |
//! | [`civil`] | [`civil::utc`], [`civil::parse_utc`], [`civil::parse_date`], [`civil::first_moment`]: moments as people read them |

pub mod chunk;
pub mod civil;
pub mod frontmatter;
pub mod log;
pub mod memory;
pub mod paths;
pub mod text;
