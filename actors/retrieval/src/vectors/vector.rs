//! Vectors of texts, small enough to be kept for each passage, and their signatures, smaller still.

/// The dimensions of a vector.
pub(crate) const DIMS: usize = 256;

/// The bytes of a signature in its numbers.
const WORDS: usize = DIMS / 64;

/// What a text is about. Only the direction tells, so each vector fills the range of its bytes by itself, and its length
/// is that of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vector(pub(crate) [i8; DIMS]);

/// On which side of zero each dimension of a vector lies, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature(pub(crate) [u64; WORDS]);

impl Vector {
    /// The vector in this direction. `None` when there is none, as of zero or of what is no number.
    pub(super) fn along(direction: &[f32; DIMS]) -> Option<Self> {
        let largest = direction.iter().fold(0.0_f32, |largest, entry| largest.max(entry.abs()));
        let step = largest / f32::from(i8::MAX);
        // The smallest numbers have no 127th part.
        (step.is_normal()).then(|| Self(direction.map(|entry| nearest(entry / step))))
    }

    /// How near two texts are in what they are about: 1 is the same, 0 is no relation, -1 the opposite. Zero for a vector
    /// without direction, which only damaged bytes give.
    pub(crate) fn cosine(&self, other: &Self) -> f32 {
        let lengths = f64::from(dot(&self.0, &self.0)) * f64::from(dot(&other.0, &other.0));
        if lengths == 0.0 {
            return 0.0;
        }
        shortened(f64::from(dot(&self.0, &other.0)) / lengths.sqrt())
    }

    /// The vector's signature, to look for the nearest among many.
    pub(crate) fn signature(&self) -> Signature {
        let mut words = [0; WORDS];
        for (word, entries) in words.iter_mut().zip(self.0.as_chunks::<64>().0) {
            *word = (0..).zip(entries).fold(0, |word, (bit, entry)| word | (u64::from(*entry > 0) << bit));
        }
        Signature(words)
    }

    /// As it is kept.
    pub(crate) fn as_bytes(&self) -> [u8; DIMS] {
        self.0.map(i8::cast_unsigned)
    }

    /// As it was kept. `None` when it is not of the right length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; DIMS] = bytes.try_into().ok()?;
        Some(Self(bytes.map(u8::cast_signed)))
    }
}

impl Signature {
    /// In how many dimensions two vectors lie on different sides (Hamming): 0 to 256, about 128 without relation.
    pub(crate) fn distance(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(one, two)| (one ^ two).count_ones()).sum()
    }

    /// As it is kept, the lowest dimension first.
    pub(crate) fn as_bytes(&self) -> [u8; DIMS / 8] {
        let mut bytes = [0; DIMS / 8];
        for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(&self.0) {
            *to = word.to_le_bytes();
        }
        bytes
    }

    /// As it was kept. `None` when it is not of the right length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; DIMS / 8] = bytes.try_into().ok()?;
        let mut words = [0; WORDS];
        for (word, from) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*from);
        }
        Some(Self(words))
    }
}

/// At most 256 times 128², so there is no overflow.
fn dot(one: &[i8; DIMS], two: &[i8; DIMS]) -> i32 {
    // A plain loop, so that the compiler makes it one over many lanes.
    one.iter().zip(two).map(|(one, two)| i32::from(*one) * i32::from(*two)).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "it is rounded and within -127 and 127 by how it was scaled")]
fn nearest(entry: f32) -> i8 {
    entry.round() as i8
}

#[expect(clippy::cast_possible_truncation, reason = "only digits are lost that nothing tells")]
fn shortened(likeness: f64) -> f32 {
    likeness as f32
}
