//! The YAML head of a file, between two lines `---`.
//!
//! What people write is read with limits (size, depth, anchors, aliases), and an error names the line of the file.

use serde::de::DeserializeOwned;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Options, UserMessageFormatter};

/// The most bytes of YAML between the fences.
pub const YAML_BYTES_MAX: usize = 64 * 1024;
/// The deepest nesting of lists and mappings.
pub const YAML_DEPTH_MAX: usize = 32;
/// The most anchors, and the most uses of them: nobody needs them in a head, and bombs are made of them.
pub const YAML_ALIASES_MAX: usize = 64;
/// The most events that all aliases together may repeat.
pub const YAML_REPLAYED_EVENTS_MAX: usize = 4_096;
/// The longest reason of [`Broken`], in characters.
pub const WHY_CHARS_MAX: usize = 300;

/// A file cut into its head and its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// What is between the fences; `None` when the file has no head.
    pub yaml: Option<&'a str>,
    /// The line of the file on which the YAML begins, from 1.
    pub yaml_first_line: usize,
    /// What follows the closing fence, or the whole text.
    pub body: &'a str,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<T> {
    /// What its head says.
    pub front: T,
    /// What follows the head.
    pub body: String,
}

/// Why a file can't be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// The line of the file, from 1.
    pub line: usize,
    /// The column, from 1; 0 when it is the line as a whole.
    pub column: usize,
    /// What is wrong, on one line.
    pub why: String,
}

impl Broken {
    fn at(line: usize, column: usize, why: &str) -> Self {
        Self { line, column, why: crate::text::clean_line(why, WHY_CHARS_MAX) }
    }
}

/// Cuts a file into its head and its body. A byte order mark is dropped; lines may end with CR LF; the head ends with a
/// line `---` or `...`.
///
/// # Errors
/// [`Broken`] on line 1 when the first line is `---` and no line closes it.
pub fn split(text: &str) -> Result<Parts<'_>, Broken> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else {
        return Ok(Parts { yaml: None, yaml_first_line: 1, body: text });
    };
    let mut at = first.len();
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            let (yaml, body) = (text.get(first.len()..at), text.get(at + line.len()..));
            return Ok(Parts { yaml, yaml_first_line: 2, body: body.unwrap_or_default() });
        }
        at += line.len();
    }
    Err(Broken::at(1, 1, "the frontmatter that begins here is not closed; end it with a line `---`"))
}

/// Reads a file whose head is a `T`. A file without a head, or with an empty one, is read as one with `{}`.
///
/// # Errors
/// [`Broken`] with the line in the whole file: an unclosed head, one larger than [`YAML_BYTES_MAX`] or beyond the other
/// limits, bad YAML, an unknown or missing key, a value of the wrong type.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<Document<T>, Broken> {
    let parts = split(text)?;
    let yaml = parts.yaml.unwrap_or_default();
    if yaml.len() > YAML_BYTES_MAX {
        let why = format!("the frontmatter has {} bytes; {YAML_BYTES_MAX} are allowed", yaml.len());
        return Err(Broken::at(1, 0, &why));
    }
    let is_empty = yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    let yaml = if is_empty { "{}" } else { yaml };
    let front = serde_saphyr::from_str_with_options(yaml, options()).map_err(|error| broken(&error, &parts))?;
    Ok(Document { front, body: parts.body.to_owned() })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: YAML_DEPTH_MAX,
            flow_nesting_limit: YAML_DEPTH_MAX,
            max_aliases: YAML_ALIASES_MAX,
            max_anchors: YAML_ALIASES_MAX,
            max_recorded_anchor_events: YAML_REPLAYED_EVENTS_MAX,
            max_recorded_anchor_bytes: YAML_BYTES_MAX,
            max_documents: 1,
            max_inclusion_depth: 0,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: YAML_REPLAYED_EVENTS_MAX,
            max_replay_stack_depth: 4,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        with_snippet: false,
    }
}

fn broken(error: &serde_saphyr::Error, parts: &Parts<'_>) -> Broken {
    let said = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    let (line, column) = error
        .location()
        .map_or((1, 0), |at| (usize::try_from(at.line()).unwrap_or(1), usize::try_from(at.column()).unwrap_or(0)));
    // The parser counts from the first line of YAML; its own words about the place would contradict ours.
    let why = said.split(" at line ").next().unwrap_or(&said);
    Broken::at(parts.yaml_first_line + line.max(1) - 1, column, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Head {
        name: String,
        count: u32,
        list: Vec<Vec<String>>,
    }

    #[test]
    fn a_head_and_a_body_are_told_apart() {
        let document = parse::<Head>("---\nname: Home\ncount: 3\n---\n# Body\n---\nmore\n").unwrap();
        assert_eq!(document.front, Head { name: "Home".into(), count: 3, list: vec![] });
        assert_eq!(document.body, "# Body\n---\nmore\n");
    }

    #[test]
    fn a_byte_order_mark_and_windows_lines_are_read() {
        let document = parse::<Head>("\u{feff}---\r\nname: Home\r\n---\r\nBody\r\n").unwrap();
        assert_eq!((document.front.name.as_str(), document.body.as_str()), ("Home", "Body\r\n"));
    }

    #[test]
    fn no_head_and_an_empty_head_are_defaults() {
        for text in ["just words", "", "---\n---\njust words", "---\n# nothing here\n\n---\n", "----\nname: x\n----\n"]
        {
            assert_eq!(parse::<Head>(text).unwrap().front, Head::default(), "{text:?}");
        }
        assert_eq!(parse::<Head>("----\nx").unwrap().body, "----\nx");
    }

    #[test]
    fn an_unclosed_head_names_its_line() {
        let broken = split("---\nname: x\n").unwrap_err();
        assert_eq!(broken.line, 1);
        assert!(broken.to_string().starts_with("line 1: the frontmatter that begins here is not closed"));
    }

    #[test]
    fn an_error_names_the_line_of_the_whole_file() {
        let wrong_type = parse::<Head>("---\nname: x\ncount: many\n---\n").unwrap_err();
        assert_eq!((wrong_type.line, wrong_type.column), (3, 8), "{wrong_type}");
        let unknown = parse::<Head>("---\nname: x\n\ncuont: 1\n---\n").unwrap_err();
        assert_eq!(unknown.line, 4, "{unknown}");
        assert!(unknown.why.contains("cuont"), "{unknown}");
        let syntax = parse::<Head>("---\nname: [x\ncount: 1\n---\n").unwrap_err();
        assert!((2..=4).contains(&syntax.line), "{syntax}");
        for broken in [wrong_type, unknown, syntax] {
            assert!(!broken.why.contains('\n') && !broken.why.contains(" at line "), "{broken}");
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        assert_eq!(parse::<Head>("---\nname: x\nname: y\n---\n").unwrap_err().line, 3);
    }

    #[test]
    fn the_size_of_a_head_is_limited_at_its_edge() {
        let head = |bytes: usize| format!("---\nname: {}\n---\n", "x".repeat(bytes - "name: \n".len()));
        assert!(parse::<Head>(&head(YAML_BYTES_MAX)).is_ok());
        assert!(parse::<Head>(&head(YAML_BYTES_MAX + 1)).unwrap_err().why.contains("65537 bytes"));
    }

    #[test]
    fn bombs_and_depth_are_refused_at_once() {
        let mut bomb = String::from("---\na0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for n in 1..9 {
            let uses = vec![format!("*a{}", n - 1); 9].join(",");
            bomb += &format!("a{n}: &a{n} [{uses}]\n");
        }
        bomb += "---\n";
        assert!(parse::<serde_json::Value>(&bomb).is_err());
        for deep in [format!("---\nlist: {}\n---\n", "[".repeat(5_000)), format!("---\n{}\n---\n", "- ".repeat(5_000))]
        {
            assert!(parse::<serde_json::Value>(&deep).is_err());
        }
    }
}
