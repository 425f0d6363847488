//! Base 58 of 64 bytes, by fixed-size limb arithmetic.
//!
//! A 512-bit number is written as eighteen limbs of five base-58 digits: its sixteen 32-bit limbs are multiplied with a
//! constant table of the powers of 2^32 in that radix. Products are summed in columns of 64 bits: six of 2^32 and 58^5 fit,
//! with room for a carry, so columns are carried after six rows. It is read by Horner's rule in limbs of ten digits, the
//! most that a 64-bit word holds. No division by a variable and no allocation. Digits are always 88, left-padded with the
//! digit zero, `1`.

/// The digits in order of their value.
pub const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Digits of a 512-bit number: the least `n` with 58^n at or above 2^512.
pub const DIGITS: usize = 88;

const BINARY_LIMBS: usize = 16;
const DECIMAL_LIMBS: usize = 18;
/// Five base-58 digits: the most that fit 32 bits.
const LIMB_RADIX: u64 = 58 * 58 * 58 * 58 * 58;

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
/// Value of each byte as a digit; `NO_DIGIT` where it is none.
static VALUES: [u8; 256] = digit_values();
const NO_DIGIT: u8 = 0xff;

/// Every pair of digits in the order of their value.
static PAIRS: [[u8; 2]; 3364] = digit_pairs();

const fn digit_pairs() -> [[u8; 2]; 3364] {
    let mut pairs = [[0; 2]; 3364];
    let mut value = 0;
    while value < pairs.len() {
        pairs[value] = [ALPHABET[value / 58], ALPHABET[value % 58]];
        value += 1;
    }
    pairs
}

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
    let limbs = bytes.as_chunks::<4>().0;
    let limb = |row: usize| u32::from_be_bytes(limbs[row]);
    let mut columns = [0_u64; DECIMAL_LIMBS];
    // The later the row, the smaller its power, and the fewer columns it reaches from the right: 18, 10 and 4. What a
    // column has above one limb is carried to its neighbour before the next rows reach it; one step is enough.
    (0..6).for_each(|row| add_product::<DECIMAL_LIMBS, 18>(&mut columns, limb(row), &TO_DECIMAL[row]));
    carry_step(&mut columns, 8);
    (6..12).for_each(|row| add_product::<DECIMAL_LIMBS, 10>(&mut columns, limb(row), &TO_DECIMAL[row]));
    carry_step(&mut columns, 14);
    (12..16).for_each(|row| add_product::<DECIMAL_LIMBS, 4>(&mut columns, limb(row), &TO_DECIMAL[row]));
    for column in (1..DECIMAL_LIMBS).rev() {
        let carry = columns[column] / LIMB_RADIX;
        columns[column] -= carry * LIMB_RADIX;
        columns[column - 1] += carry;
    }
    let mut digits = [0_u8; DECIMAL_LIMBS * 5];
    for (limb, digits) in columns.iter().zip(digits.as_chunks_mut::<5>().0) {
        let limb = *limb as u32;
        let (high, low) = (limb / 3364, limb % 3364);
        let (first, middle) = (high / 3364, high % 3364);
        digits[0] = ALPHABET[first as usize % 58];
        digits[1..3].copy_from_slice(&PAIRS[middle as usize]);
        digits[3..5].copy_from_slice(&PAIRS[low as usize]);
    }
    // The first limb has only three digits: 88 = 17 * 5 + 3.
    out.copy_from_slice(&digits[DECIMAL_LIMBS * 5 - DIGITS..]);
}

/// Carries what the columns from `first` on have above one limb to their neighbours on the left.
fn carry_step(columns: &mut [u64; DECIMAL_LIMBS], first: usize) {
    for column in first..DECIMAL_LIMBS {
        let carry = columns[column] / LIMB_RADIX;
        columns[column] -= carry * LIMB_RADIX;
        columns[column - 1] += carry;
    }
}

/// Reads 88 digits as a big-endian 512-bit number.
pub fn decode(digits: &[u8; DIGITS]) -> Result<[u8; 64], DecodeError> {
    let mut seen = 0;
    // Ten digits, the most that fit a word; the first limb has only eight.
    let mut limb = |digits: &[u8]| {
        let mut half = |digits: &[u8]| {
            digits.iter().fold(0_u32, |value, digit| {
                seen |= VALUES[*digit as usize];
                // With a byte that is no digit it may wrap, and is not used.
                value.wrapping_mul(58).wrapping_add(u32::from(VALUES[*digit as usize]))
            })
        };
        let (high, low) = digits.split_at(digits.len() - 5);
        u64::from(half(high)) * LIMB_RADIX + u64::from(half(low))
    };
    let (first, rest) = digits.split_at(8);
    let rest = rest.as_chunks::<10>().0;
    // Horner's rule, most significant limb first: after n limbs at most n words are in use.
    let mut words = [limb(first), 0, 0, 0, 0, 0, 0, 0];
    multiply_add::<2>(&mut words, limb(&rest[0]));
    multiply_add::<3>(&mut words, limb(&rest[1]));
    multiply_add::<4>(&mut words, limb(&rest[2]));
    multiply_add::<5>(&mut words, limb(&rest[3]));
    multiply_add::<6>(&mut words, limb(&rest[4]));
    multiply_add::<7>(&mut words, limb(&rest[5]));
    multiply_add::<8>(&mut words, limb(&rest[6]));
    let overflow = multiply_add::<8>(&mut words, limb(&rest[7]));
    if seen >= 0x80 {
        let position = digits.iter().position(|digit| VALUES[*digit as usize] == NO_DIGIT);
        return Err(DecodeError::Digit(position.unwrap_or_default()));
    }
    if overflow > 0 {
        return Err(DecodeError::Overflow);
    }
    let mut bytes = [0; 64];
    for (word, out) in words.iter().rev().zip(bytes.as_chunks_mut::<8>().0) {
        *out = word.to_be_bytes();
    }
    Ok(bytes)
}

/// Multiplies a number, least significant word first, by the value of ten digits, and adds a limb; returns what the first
/// `USED` words do not hold.
#[inline]
fn multiply_add<const USED: usize>(words: &mut [u64; 8], limb: u64) -> u64 {
    let mut carry = limb;
    for word in &mut words[..USED] {
        let product = u128::from(*word) * u128::from(LIMB_RADIX * LIMB_RADIX) + u128::from(carry);
        *word = product as u64;
        carry = (product >> 64) as u64;
    }
    carry
}

/// Adds the product of a limb and a power to the last `REACH` columns; those before are zero in the power. Fixed counts
/// and no branches, so that it becomes vector code.
#[inline]
fn add_product<const N: usize, const REACH: usize>(columns: &mut [u64; N], limb: u32, power: &[u32; N]) {
    if let (Some(columns), Some(power)) = (columns.last_chunk_mut::<REACH>(), power.last_chunk::<REACH>()) {
        for column in 0..REACH {
            columns[column] += u64::from(limb) * u64::from(power[column]);
        }
    }
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
    fn powers_reach_no_further_than_they_are_added() {
        for (row, reach) in [(0, 18), (6, 10), (12, 4)] {
            assert!(TO_DECIMAL[row][..DECIMAL_LIMBS - reach].iter().all(|limb| *limb == 0));
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
