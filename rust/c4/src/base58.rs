//! Base 58 of 64 bytes, by fixed-size limb arithmetic.
//!
//! A 512-bit number is held either as sixteen 32-bit limbs or as eighteen limbs of five base-58 digits. Converting is a
//! product with a constant table of the powers of one radix written in the other; products are summed in columns of 64
//! bits, and what a column has above one limb is carried in between, before it can overflow. No division by a variable
//! and no allocation. Digits are always 88, left-padded with the digit zero, `1`.

/// The digits in order of their value.
pub const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Digits of a 512-bit number: the least `n` with 58^n at or above 2^512.
pub const DIGITS: usize = 88;

const BINARY_LIMBS: usize = 16;
const DECIMAL_LIMBS: usize = 18;
/// Five base-58 digits: the most that fit 32 bits.
const LIMB_RADIX: u64 = 58 * 58 * 58 * 58 * 58;
/// Products of a 32-bit and a 30-bit limb that a 64-bit column can sum: 6 * 2^32 * 58^5 is below 2^64, with room for a carry.
const PRODUCTS_PER_CARRY: usize = 6;

/// What is wrong with a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The byte at this position (from 0) is no base-58 digit.
    Digit(usize),
    /// The number is 2^512 or more.
    Overflow,
}

/// `TO_DECIMAL[i]` is 2^(32 * (15 - i)) in limbs of five digits, most significant first.
static TO_DECIMAL: [[u32; DECIMAL_LIMBS]; BINARY_LIMBS] = powers_of_two();
/// `TO_BINARY[i]` is 58^(5 * (17 - i)) in 32-bit limbs, most significant first.
static TO_BINARY: [[u32; BINARY_LIMBS]; DECIMAL_LIMBS] = powers_of_58();
/// Value of each byte as a digit; `NO_DIGIT` where it is none.
static VALUES: [u8; 256] = digit_values();
const NO_DIGIT: u8 = 0xff;

const fn powers_of_two() -> [[u32; DECIMAL_LIMBS]; BINARY_LIMBS] {
    let mut table = [[0; DECIMAL_LIMBS]; BINARY_LIMBS];
    table[BINARY_LIMBS - 1][DECIMAL_LIMBS - 1] = 1;
    let mut row = BINARY_LIMBS - 1;
    while row > 0 {
        let mut carry = 0;
        let mut column = DECIMAL_LIMBS;
        while column > 0 {
            column -= 1;
            let value = ((table[row][column] as u64) << 32) + carry;
            table[row - 1][column] = (value % LIMB_RADIX) as u32;
            carry = value / LIMB_RADIX;
        }
        row -= 1;
    }
    table
}

const fn powers_of_58() -> [[u32; BINARY_LIMBS]; DECIMAL_LIMBS] {
    let mut table = [[0; BINARY_LIMBS]; DECIMAL_LIMBS];
    table[DECIMAL_LIMBS - 1][BINARY_LIMBS - 1] = 1;
    let mut row = DECIMAL_LIMBS - 1;
    while row > 0 {
        let mut carry = 0;
        let mut column = BINARY_LIMBS;
        while column > 0 {
            column -= 1;
            let value = table[row][column] as u64 * LIMB_RADIX + carry;
            table[row - 1][column] = value as u32;
            carry = value >> 32;
        }
        row -= 1;
    }
    table
}

const fn digit_values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// Writes a big-endian 512-bit number as 88 digits.
pub fn encode(bytes: &[u8; 64], out: &mut [u8; DIGITS]) {
    let mut columns = [0_u64; DECIMAL_LIMBS];
    for (row, limb) in bytes.as_chunks::<4>().0.iter().enumerate() {
        let limb = u64::from(u32::from_be_bytes(*limb));
        // Row `row` is the power 2^(32 * (15 - row)): its limbs to the left of this one are zero.
        let first = row * DECIMAL_LIMBS / (BINARY_LIMBS + 1);
        for (column, power) in columns[first..].iter_mut().zip(&TO_DECIMAL[row][first..]) {
            *column += limb * u64::from(*power);
        }
        if row % PRODUCTS_PER_CARRY == PRODUCTS_PER_CARRY - 1 {
            // One step of carry to the neighbour makes every column small again; it need not be complete.
            for column in 1..DECIMAL_LIMBS {
                columns[column - 1] += columns[column] / LIMB_RADIX;
                columns[column] %= LIMB_RADIX;
            }
        }
    }
    for column in (1..DECIMAL_LIMBS).rev() {
        columns[column - 1] += columns[column] / LIMB_RADIX;
        columns[column] %= LIMB_RADIX;
    }
    let mut digits = [0_u8; DECIMAL_LIMBS * 5];
    for (limb, digits) in columns.iter().zip(digits.as_chunks_mut::<5>().0) {
        let limb = *limb as u32;
        digits[4] = ALPHABET[(limb % 58) as usize];
        digits[3] = ALPHABET[(limb / 58 % 58) as usize];
        digits[2] = ALPHABET[(limb / 3_364 % 58) as usize];
        digits[1] = ALPHABET[(limb / 195_112 % 58) as usize];
        digits[0] = ALPHABET[(limb / 11_316_496) as usize];
    }
    // The first limb has only three digits: 88 = 17 * 5 + 3.
    out.copy_from_slice(&digits[DECIMAL_LIMBS * 5 - DIGITS..]);
}

/// Reads 88 digits as a big-endian 512-bit number.
pub fn decode(digits: &[u8; DIGITS]) -> Result<[u8; 64], DecodeError> {
    let mut values = [0_u8; DECIMAL_LIMBS * 5];
    let mut seen = 0;
    for (value, digit) in values[DECIMAL_LIMBS * 5 - DIGITS..].iter_mut().zip(digits) {
        *value = VALUES[*digit as usize];
        seen |= *value;
    }
    if seen >= 0x80 {
        let position = digits.iter().position(|digit| VALUES[*digit as usize] == NO_DIGIT);
        return Err(DecodeError::Digit(position.unwrap_or_default()));
    }
    let mut columns = [0_u64; BINARY_LIMBS];
    let mut overflow = 0;
    for (row, digits) in values.as_chunks::<5>().0.iter().enumerate() {
        let limb = digits.iter().fold(0, |limb, digit| limb * 58 + u64::from(*digit));
        for (column, power) in columns.iter_mut().zip(&TO_BINARY[row]) {
            *column += limb * u64::from(*power);
        }
        if row % PRODUCTS_PER_CARRY == PRODUCTS_PER_CARRY - 1 {
            overflow += columns[0] >> 32;
            columns[0] &= 0xffff_ffff;
            for column in 1..BINARY_LIMBS {
                columns[column - 1] += columns[column] >> 32;
                columns[column] &= 0xffff_ffff;
            }
        }
    }
    let mut bytes = [0; 64];
    let mut carry = 0;
    for (column, out) in columns.iter().zip(bytes.as_chunks_mut::<4>().0).rev() {
        let value = column + carry;
        *out = (value as u32).to_be_bytes();
        carry = value >> 32;
    }
    if overflow + carry == 0 { Ok(bytes) } else { Err(DecodeError::Overflow) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(bytes: &[u8; 64]) -> [u8; DIGITS] {
        let mut out = [0; DIGITS];
        encode(bytes, &mut out);
        out
    }

    /// Base 58 by schoolbook long division, the definition itself.
    fn by_long_division(bytes: &[u8; 64]) -> [u8; DIGITS] {
        let mut number = *bytes;
        let mut out = [ALPHABET[0]; DIGITS];
        for digit in out.iter_mut().rev() {
            let mut remainder = 0_u32;
            for byte in &mut number {
                let value = remainder * 256 + u32::from(*byte);
                *byte = (value / 58) as u8;
                remainder = value % 58;
            }
            *digit = ALPHABET[remainder as usize];
        }
        out
    }

    proptest! {
        #[test]
        fn encode_is_long_division_and_decode_its_inverse(high in any::<[u8; 32]>(), low in any::<[u8; 32]>(), zeros in 0_usize..64) {
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&high);
            bytes[32..].copy_from_slice(&low);
            bytes[..zeros].fill(0);
            let text = encoded(&bytes);
            prop_assert_eq!(text, by_long_division(&bytes));
            prop_assert_eq!(decode(&text), Ok(bytes));
        }
    }

    #[test]
    fn extremes_round_trip() {
        for bytes in [[0; 64], [0xff; 64], [0x80; 64], [1; 64]] {
            assert_eq!(encoded(&bytes), by_long_division(&bytes));
            assert_eq!(decode(&encoded(&bytes)), Ok(bytes));
        }
        for bit in 0..512 {
            let mut bytes = [0; 64];
            bytes[bit / 8] = 0x80 >> (bit % 8);
            assert_eq!(encoded(&bytes), by_long_division(&bytes), "bit {bit}");
        }
    }

    #[test]
    fn one_above_the_largest_value_overflows() {
        let mut digits = encoded(&[0xff; 64]);
        assert!(digits[DIGITS - 1] < b'z');
        digits[DIGITS - 1] = ALPHABET[VALUES[digits[DIGITS - 1] as usize] as usize + 1];
        assert_eq!(decode(&digits), Err(DecodeError::Overflow));
        assert_eq!(decode(&[b'z'; DIGITS]), Err(DecodeError::Overflow));
        let mut power = [b'1'; DIGITS];
        power[0] = b'z';
        assert_eq!(decode(&power), Err(DecodeError::Overflow));
    }

    #[test]
    fn the_first_byte_that_is_no_digit_is_named() {
        let mut digits = [b'1'; DIGITS];
        digits[87] = b'0';
        digits[40] = b'l';
        assert_eq!(decode(&digits), Err(DecodeError::Digit(40)));
    }
}
