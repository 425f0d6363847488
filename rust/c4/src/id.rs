//! The C4 ID: a SHA-512 digest, written as `c4` and 88 base-58 digits (SMPTE ST 2114:2017).

use std::fmt;
use std::str::FromStr;

use crate::base58;

/// Length of an ID as text, in bytes; all of it is ASCII.
pub const ID_TEXT_BYTES: usize = 90;

/// A C4 ID.
///
/// Ordered as its 64 bytes are, which is also the order of its text. The nil ID, 64 zero bytes, stands for "no ID".
///
/// ```
/// let id = c4::C4Id::of(b"hello world");
/// assert_eq!(id.to_string().len(), 90);
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct C4Id(pub [u8; 64]);

/// Why a text is no C4 ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// The text has this many bytes instead of 90.
    #[error("a C4 ID is 90 characters long, this is {0}")]
    Length(usize),
    /// The text does not start with `c4`.
    #[error("a C4 ID starts with \"c4\"")]
    Prefix,
    /// The byte at this position (from 0) is no base-58 digit.
    #[error("position {0} holds no base-58 digit")]
    Digit(usize),
    /// The digits stand for 2^512 or more.
    #[error("the value does not fit 512 bits")]
    Overflow,
}

impl C4Id {
    /// The nil ID: no content.
    pub const NIL: Self = Self([0; 64]);

    /// The ID of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(c4_sha512::digest(bytes))
    }

    /// Whether this is the nil ID.
    pub fn is_nil(&self) -> bool {
        *self == Self::NIL
    }

    /// The ID as text.
    pub fn to_text(&self) -> [u8; ID_TEXT_BYTES] {
        let mut text = [0; ID_TEXT_BYTES];
        text[..2].copy_from_slice(b"c4");
        if let Some(digits) = text.last_chunk_mut() {
            base58::encode(&self.0, digits);
        }
        text
    }

    /// Reads an ID from text; exactly its 90 bytes, nothing around them.
    pub fn parse(text: &[u8]) -> Result<Self, ParseIdError> {
        let Ok(text) = <&[u8; ID_TEXT_BYTES]>::try_from(text) else { return Err(ParseIdError::Length(text.len())) };
        let (Some(b"c4"), Some(digits)) = (text.first_chunk(), text.last_chunk()) else {
            return Err(ParseIdError::Prefix);
        };
        base58::decode(digits).map(Self).map_err(|error| match error {
            base58::DecodeError::Digit(position) => ParseIdError::Digit(position + 2),
            base58::DecodeError::Overflow => ParseIdError::Overflow,
        })
    }
}

impl fmt::Display for C4Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_text().iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Debug for C4Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "C4Id({self})")
    }
}

impl FromStr for C4Id {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_says_why() {
        let good = C4Id::of(b"").to_string();
        assert_eq!(C4Id::parse(b"c4"), Err(ParseIdError::Length(2)));
        assert_eq!(C4Id::parse(good.replace("c4", "C4").as_bytes()), Err(ParseIdError::Prefix));
        assert_eq!(
            C4Id::parse(good.replace('9', "0").as_bytes()).map_err(|e| e.to_string().contains("no base-58")),
            Err(true)
        );
        assert_eq!(C4Id::parse(format!("c4{}", "z".repeat(88)).as_bytes()), Err(ParseIdError::Overflow));
    }

    #[test]
    fn text_has_the_order_of_the_bytes() {
        let mut ids: Vec<C4Id> = (0..50_u8).map(|i| C4Id::of(&[i])).collect();
        ids.sort();
        let texts: Vec<String> = ids.iter().map(C4Id::to_string).collect();
        assert!(texts.is_sorted());
    }
}
