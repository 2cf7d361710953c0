//! The number of a certificate.

use std::fmt;
use std::str::FromStr;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::name::shown;

/// Bytes of ours. The first bit is 0 and the second 1, so that the number is positive and always as long; the others are
/// random.
const BYTES: usize = 16;
/// The longest that RFC 5280 allows.
const BYTES_MAX: usize = 20;

/// The number of a certificate, in lower-case hexadecimal digits without leading zero bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(String);

impl Serial {
    /// A new one.
    pub(crate) fn random() -> Result<Self, Error> {
        let mut bytes = [0; BYTES];
        let filled = SystemRandom::new().fill(&mut bytes);
        filled.map_err(|_| Error::Signing("the system gives no random numbers".to_owned()))?;
        bytes[0] = bytes[0] & 0x3f | 0x40;
        Ok(Self(hex(&bytes)))
    }

    /// Of the bytes of an ASN.1 integer.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = bytes.get(zeros..)?;
        (1..=BYTES_MAX).contains(&bytes.len()).then(|| Self(hex(bytes)))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let pairs = self.0.as_bytes().chunks(2);
        pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FromStr for Serial {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_hex = text.chars().all(|c| c.is_ascii_digit() || matches!(c, 'a'..='f'));
        let length_fits = (2..=2 * BYTES_MAX).contains(&text.len()) && text.len().is_multiple_of(2);
        if !is_hex || !length_fits || text.starts_with("00") {
            return Err(Error::Invalid(format!("`{}` is no number of a certificate", shown(text))));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Serial {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_is_read() {
        let one = Serial::random().unwrap();
        assert_eq!(one.as_str().len(), 32);
        assert_eq!(Serial::of_bytes(&one.to_bytes()), Some(one.clone()));
        assert_eq!(Serial::of_bytes(&[&[0][..], &one.to_bytes()].concat()), Some(one.clone()));
        assert_eq!(one.as_str().parse::<Serial>().unwrap(), one);
        assert_ne!(Serial::random().unwrap(), one);
    }

    #[test]
    fn a_number_has_its_limits() {
        assert!(Serial::of_bytes(&[1; 20]).is_some() && Serial::of_bytes(&[1; 21]).is_none());
        assert!(Serial::of_bytes(&[]).is_none() && Serial::of_bytes(&[0, 0]).is_none());
        for bad in ["", "1", "zz", "0001", "AB", &"1".repeat(42)] {
            assert!(bad.parse::<Serial>().is_err(), "{bad}");
        }
    }
}
