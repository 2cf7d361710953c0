//! Makes values of any type that can be deserialized, until each variant of each enum in it was in one: a deserializer that
//! gives each number, text and variant that it is asked for.
//!
//! What a type refuses (a name of a wrong form, a number out of range) is the last that was given to it: the next candidate
//! is tried there.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::value::{Error, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// Texts that are tried, one after the other.
const TEXTS: [&str; 2] = ["a", "ws/a"];
/// Numbers beside the running one.
const NUMBERS: [u64; 2] = [1, 0];
/// How deep a value goes; below that it has nothing that can be left out.
const DEPTH_MAX: usize = 24;
/// Values that are made at most, and tries at most for one.
const SAMPLES_MAX: usize = 4_096;
const TRIES_MAX: usize = 256;

/// An enum: two of one name differ in their variants.
type Enum = (&'static str, &'static [&'static str]);

/// What was in samples.
#[derive(Clone, Default)]
struct Covered {
    variants: BTreeMap<Enum, BTreeSet<u32>>,
    /// Below which variants there is more.
    more: BTreeSet<(Enum, u32)>,
}

struct Picks {
    covered: Covered,
    /// Which candidate each number and text of this sample is.
    candidates: Vec<usize>,
    given: usize,
    depth: usize,
    named: Vec<String>,
    /// An enum was met of which variants are left.
    more: bool,
}

/// Samples, each with the variants in it that no earlier one has.
pub(crate) fn samples<T: DeserializeOwned>() -> Result<Vec<(String, T)>, Error> {
    let (mut all, mut covered) = (Vec::new(), Covered::default());
    for _ in 0..SAMPLES_MAX {
        let (sample, picks) = sample::<T>(&covered)?;
        // Below a variant there was more, and by now it is in others.
        if all.is_empty() || !picks.named.is_empty() {
            all.push((picks.named.join(" "), sample));
        }
        covered = picks.covered;
        if !picks.more {
            return Ok(all);
        }
    }
    Err(Error::custom("it has more variants than are made"))
}

fn sample<T: DeserializeOwned>(covered: &Covered) -> Result<(T, Picks), Error> {
    let mut candidates = Vec::new();
    for _ in 0..TRIES_MAX {
        let (covered, named) = (covered.clone(), Vec::new());
        let mut picks = Picks { covered, candidates, given: 0, depth: 0, named, more: false };
        match T::deserialize(Sampler(&mut picks)) {
            Ok(sample) => return Ok((sample, picks)),
            Err(error) => {
                picks.candidates.truncate(picks.given);
                match picks.candidates.last_mut() {
                    Some(last) => *last += 1,
                    None => return Err(error),
                }
                candidates = picks.candidates;
            }
        }
    }
    Err(Error::custom("no value of it could be made"))
}

impl Picks {
    /// Which candidate the next number or text is.
    fn candidate(&mut self) -> usize {
        if self.given == self.candidates.len() {
            self.candidates.push(0);
        }
        self.given += 1;
        self.candidates[self.given - 1]
    }

    /// All numbers of a sample differ, so that two that change places show.
    fn number(&mut self) -> Result<u64, Error> {
        match self.candidate() {
            0 => Ok(self.given as u64 % 100 + 1),
            n => NUMBERS.get(n - 1).copied().ok_or_else(|| Error::custom("no number fits")),
        }
    }

    fn text(&mut self) -> Result<&'static str, Error> {
        let candidate = self.candidate();
        TEXTS.get(candidate).copied().ok_or_else(|| Error::custom("no text fits"))
    }

    /// One that was not there yet, else one below which there is more, else the first.
    fn variant(&mut self, of: Enum) -> u32 {
        let count = u32::try_from(of.1.len()).unwrap();
        let there = self.covered.variants.entry(of).or_default();
        let new = (0..count).find(|n| !there.contains(n));
        there.extend(new);
        self.more |= there.len() < of.1.len();
        let more = || (0..count).find(|n| self.covered.more.contains(&(of, *n)));
        if let Some(n) = new {
            self.named.push(format!("{}::{}", of.0, of.1[n as usize]));
        }
        new.or_else(more).unwrap_or(0)
    }
}

struct Sampler<'a>(&'a mut Picks);

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),+ $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = self.0.number()?;
            visitor.$visit(<$type>::try_from(number).unwrap())
        })+
    };
}

impl<'de> Deserializer<'de> for Sampler<'_> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("a type that asks what comes can't be sent between nodes"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(true)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f32(0.5)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(0.5)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bytes(b"a")
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.depth > DEPTH_MAX { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.0.depth <= DEPTH_MAX);
        visitor.visit_seq(Elements { picks: self.0, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { picks: self.0, left })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { picks: self.0, left })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.0.depth <= DEPTH_MAX);
        visitor.visit_map(Elements { picks: self.0, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { picks: self.0, left: fields.len() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (picks, of) = (self.0, (name, variants));
        let before = std::mem::take(&mut picks.more);
        let variant = picks.variant(of);
        let of_siblings = std::mem::take(&mut picks.more);
        picks.depth += 1;
        let value = visitor.visit_enum(Variant { picks: &mut *picks, variant })?;
        picks.depth -= 1;
        if picks.more {
            picks.covered.more.insert((of, variant));
        } else {
            picks.covered.more.remove(&(of, variant));
        }
        picks.more |=
            before || of_siblings || (0..).take(variants.len()).any(|n| picks.covered.more.contains(&(of, n)));
        Ok(value)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    /// As the wire form is.
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// So many values, one after the other.
struct Elements<'a> {
    picks: &'a mut Picks,
    left: usize,
}

impl Elements<'_> {
    fn one<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.picks.depth += 1;
        let value = seed.deserialize(Sampler(self.picks))?;
        self.picks.depth -= 1;
        Ok(value)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.one(seed).map(Some)
    }
}

impl<'de> MapAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.one(seed)
    }
}

struct Variant<'a> {
    picks: &'a mut Picks,
    variant: u32,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Sampler<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Sampler<'a>), Error> {
        let index: U32Deserializer<Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(index)?, Sampler(self.picks)))
    }
}

impl<'de> VariantAccess<'de> for Sampler<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(left, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::samples;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Outer {
        Bare,
        Holds(Inner),
        Names { one: Option<Inner>, more: Vec<Deep> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Inner {
        A,
        B(u8),
        C(u64),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Deep {
        X,
        Y,
    }

    #[test]
    fn each_variant_is_in_a_sample_also_those_below_others_and_is_named_once() {
        let all = samples::<Outer>().unwrap();
        let mut named: Vec<&str> = all.iter().flat_map(|(names, _)| names.split(' ')).collect();
        named.sort_unstable();
        let expected =
            ["Deep::X", "Deep::Y", "Inner::A", "Inner::B", "Inner::C", "Outer::Bare", "Outer::Holds", "Outer::Names"];
        assert_eq!(named, expected);
    }

    #[derive(Serialize, Deserialize)]
    enum Later {
        Bare,
        Holds(Inner),
        Names { one: Option<Inner>, more: Vec<Deep> },
        New,
    }

    #[test]
    fn a_new_variant_has_a_sample_of_its_own() {
        let names = |all: Vec<(String, Later)>| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ");
        assert!(names(samples::<Later>().unwrap()).contains("Later::New"));
    }
}
