//! Private keys.

use std::fmt;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::Error;

/// The private key of a node: ECDSA on P-256.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Signing`] when the system gives no random numbers.
    pub fn generate() -> Result<Self, Error> {
        Ok(Self(generate()?))
    }

    /// As PEM (PKCS#8), not encrypted.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(..)")
    }
}

pub(crate) fn generate() -> Result<KeyPair, Error> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// The key of a PEM file. What it holds is in no error.
pub(crate) fn parse(pem: &str, what: &str) -> Result<KeyPair, Error> {
    let pair = KeyPair::from_pem(pem).map_err(|_| Error::damaged(what, "it holds no private key in PEM"))?;
    if pair.algorithm() != &PKCS_ECDSA_P256_SHA256 {
        return Err(Error::damaged(what, "its key is not of ECDSA on P-256"));
    }
    Ok(pair)
}
