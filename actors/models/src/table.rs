//! The dated table of what z.ai's models cost and can: `models.toml`, or an operator's own file in its place. Pure.

use std::fmt;

use messages::offer::Prices;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// Millionths of a dollar.
const MICROS: u64 = 1_000_000;
/// Digits of a dollar behind the point.
const DIGITS_MAX: usize = 6;
/// The table that is built in.
const BUILT_IN: &str = include_str!("../models.toml");

/// What models cost and can, as of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// The day on which it was right: `2026-07-11`.
    pub dated: String,
    /// Those of z.ai.
    pub zai: Family,
}

/// The models of one kind of provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// The model that answers where a route names only the provider.
    pub default: String,
    /// All of them.
    pub models: Vec<Known>,
}

/// One model of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its name at the endpoint.
    pub name: String,
    input: Price,
    output: Price,
    cached: Option<Price>,
    /// Tokens of prompt and answer together that it takes.
    pub context_tokens: u64,
    /// It can be given tools.
    pub takes_tools: bool,
    /// Whether it thinks before it answers.
    #[serde(default)]
    pub thinking: Thinking,
    /// It gives the arguments of tools piece by piece when it is asked to.
    #[serde(default)]
    pub tool_stream: bool,
}

impl Known {
    /// What it costs.
    #[must_use]
    pub fn prices(&self) -> Prices {
        let cached = self.cached.unwrap_or(self.input).0;
        Prices { input: self.input.0, output: self.output.0, cached }
    }
}

/// Whether a model thinks before it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// It knows no thinking.
    #[default]
    Never,
    /// As it is asked to.
    Optional,
    /// It can't be kept from it.
    Always,
}

impl ModelTable {
    /// The table of this build.
    #[must_use]
    pub fn built_in() -> Self {
        // That it can be read is kept by a test.
        Self::parse(BUILT_IN).unwrap_or_default()
    }

    /// Reads a table as `models.toml` has it.
    ///
    /// # Errors
    /// What is wrong and where: no TOML, an unknown key, a price that is none, a model twice, a default that is not there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: Self = toml::from_str(text).map_err(|error| format!("the table of models: {error}"))?;
        let family = &table.zai;
        for (at, model) in family.models.iter().enumerate() {
            let name = &model.name;
            if name.trim().is_empty() {
                return Err(format!("the table of models: model {} of `zai` has no name", at + 1));
            }
            if family.models.iter().take(at).any(|other| other.name == *name) {
                return Err(format!("the table of models: `{name}` is there twice; keep one"));
            }
        }
        if !family.models.iter().any(|model| model.name == family.default) {
            return Err(format!(
                "the table of models: the default `{}` of `zai` is none of its models",
                family.default
            ));
        }
        Ok(table)
    }
}

/// Millionths of a dollar for a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Price(u64);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PriceVisitor)
    }
}

struct PriceVisitor;

impl Visitor<'_> for PriceVisitor {
    type Value = Price;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dollars in quotes (\"1.40\") or millionths of a dollar as a whole number (1_400_000)")
    }

    fn visit_i64<E: Error>(self, micros: i64) -> Result<Price, E> {
        u64::try_from(micros).map(Price).map_err(|_| E::custom("a price can't be below 0"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Price, E> {
        dollars(text).map(Price).ok_or_else(|| E::custom(format!("{text:?} is no price; write dollars like \"1.40\"")))
    }
}

/// `1.40` as millionths.
fn dollars(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > DIGITS_MAX || !is_number(whole) || !is_number(part) || text.ends_with('.') {
        return None;
    }
    let micros: u64 = format!("{part:0<DIGITS_MAX$}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(MICROS)?.checked_add(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_this_build_can_be_read_and_is_dated() {
        let table = ModelTable::parse(BUILT_IN).unwrap();
        assert_eq!(table, ModelTable::built_in());
        assert_eq!(table.dated.len(), "2026-07-11".len());
        let known = |name: &str| table.zai.models.iter().find(|model| model.name == name).unwrap().clone();
        let prices = Prices { input: 1_400_000, output: 4_400_000, cached: 260_000 };
        assert_eq!((known("glm-5.3").prices(), known("glm-5.3").thinking), (prices, Thinking::Always));
        assert!(known("glm-4.7-flash").prices().is_free());
        assert_eq!(known("glm-4.5-air").prices().cached, 200_000, "as dear as others where nothing is said");
        assert_eq!(table.zai.models.len(), 10);
    }

    #[test]
    fn prices_are_read_exactly_or_not_at_all() {
        for (text, micros) in
            [("1.40", Some(1_400_000)), ("0", Some(0)), ("0.000001", Some(1)), ("12", Some(12_000_000))]
        {
            assert_eq!(dollars(text), micros, "{text}");
        }
        for text in ["", ".5", "1.", "-1", "1,40", "1.0000001", "$1", "1e3", "99999999999999999999"] {
            assert_eq!(dollars(text), None, "{text}");
        }
    }

    #[test]
    fn a_table_that_is_wrong_says_where() {
        let table = |line: &str, default: &str| {
            format!(
                "dated = \"2026-01-01\"\n[zai]\ndefault = \"{default}\"\n[[zai.models]]\nname = \"a\"\ninput = \"1\"\noutput = 2\n\
                 context_tokens = 10\ntakes_tools = true\n{line}\n"
            )
        };
        assert_eq!(ModelTable::parse(&table("", "a")).unwrap().zai.models[0].prices().output, 2);
        for (text, why) in [
            (table("cached = 1.4", "a"), "dollars in quotes"),
            (table("cached = \"cheap\"", "a"), "\"cheap\" is no price"),
            (table("cached = -1", "a"), "below 0"),
            (table("price = 1", "a"), "unknown field `price`"),
            (table("thinking = \"often\"", "a"), "unknown variant `often`"),
            (table("", "b"), "the default `b` of `zai` is none of its models"),
            (
                table("[[zai.models]]\nname='a'\ninput=1\noutput=1\ncontext_tokens=1\ntakes_tools=false", "a"),
                "`a` is there twice",
            ),
            ("dated = 1".to_owned(), "line 1"),
            (String::new(), "missing field"),
        ] {
            let told = ModelTable::parse(&text).unwrap_err();
            assert!(told.contains(why), "{why}: {told}");
        }
    }
}
