//! As much of protobuf's wire format as the gate must understand, and only its canonical form: what two readers could
//! take for two things is refused. <https://protobuf.dev/programming-guides/encoding/>

/// What is not canonical, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bad;

/// A value as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn number(self) -> Result<u64, Bad> {
        if let Self::Number(number) = self { Ok(number) } else { Err(Bad) }
    }

    pub(crate) fn bytes(self) -> Result<&'a [u8], Bad> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Bad) }
    }
}

/// Fields of one message, front to back, in the order in which they stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Bad> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = u32::try_from(tag >> 3).map_err(|_| Bad)?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            2 => Value::Bytes(self.bytes()?),
            _ => return Err(Bad),
        };
        if field == 0 { Err(Bad) } else { Ok(Some((field, value))) }
    }

    /// The only field of a message, which is a message itself.
    pub(crate) fn only(mut self) -> Result<(u32, &'a [u8]), Bad> {
        let (field, value) = self.next()?.ok_or(Bad)?;
        if !self.rest.is_empty() {
            return Err(Bad);
        }
        Ok((field, value.bytes()?))
    }

    /// All fields; each at most once, in ascending order, as every writer of protobuf puts them.
    pub(crate) fn ascending(mut self) -> Result<Vec<(u32, Value<'a>)>, Bad> {
        let mut all: Vec<(u32, Value<'a>)> = Vec::new();
        while let Some((field, value)) = self.next()? {
            if all.last().is_some_and(|(before, _)| *before >= field) {
                return Err(Bad);
            }
            all.push((field, value));
        }
        Ok(all)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Bad> {
        let length = usize::try_from(self.varint()?).map_err(|_| Bad)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Bad)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn varint(&mut self) -> Result<u64, Bad> {
        let mut number = 0u64;
        for place in 0..10u32 {
            let (byte, rest) = self.rest.split_first().ok_or(Bad)?;
            self.rest = rest;
            let part = u64::from(byte & 0x7f);
            if place == 9 && part > 1 {
                return Err(Bad);
            }
            number |= part << (7 * place);
            if byte & 0x80 == 0 {
                // A last byte of nothing is a longer way of writing the same number.
                return if part == 0 && place > 0 { Err(Bad) } else { Ok(number) };
            }
        }
        Err(Bad)
    }
}

/// Writes a number.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

/// Writes a field that is a message, a text or bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a field that is a number.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u32, number: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, number);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8]) -> Result<u64, Bad> {
        Fields::new(bytes).varint()
    }

    #[test]
    fn numbers_have_one_form() {
        for (bytes, read) in [
            (&[0u8][..], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x80, 1], Ok(128)),
            (&[0x80, 0], Err(Bad)),
            (&[0xff, 0x80, 0], Err(Bad)),
            (&[0x80], Err(Bad)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(u64::MAX)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Err(Bad)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], Err(Bad)),
        ] {
            assert_eq!(number(bytes), read, "{bytes:?}");
        }
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(number(&out), Ok(value));
        }
    }

    #[test]
    fn a_field_that_comes_twice_or_out_of_order_is_refused() {
        let mut out = Vec::new();
        put_number(&mut out, 1, 7);
        put_bytes(&mut out, 2, b"words");
        assert_eq!(Fields::new(&out).ascending().unwrap(), [(1, Value::Number(7)), (2, Value::Bytes(b"words"))]);
        put_number(&mut out, 1, 8);
        assert_eq!(Fields::new(&out).ascending(), Err(Bad));
        assert_eq!(Fields::new(&[0x0a, 9, 1]).ascending(), Err(Bad), "longer than what is there");
        assert_eq!(Fields::new(&[0x0d, 0, 0, 0, 0]).ascending(), Err(Bad), "a fixed number is in none of our messages");
    }
}
