//! Random bytes for tokens and jitter.

use ring::rand::{SecureRandom as _, SystemRandom};

/// Fresh random bytes. The system's source does not fail once it has worked; should it, a node must not go on with
/// guessable tokens.
#[allow(clippy::expect_used)]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
