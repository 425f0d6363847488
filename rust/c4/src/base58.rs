//! Base 58 of 64 bytes, by fixed-size limb arithmetic.
//!
//! A 512-bit number is held either as sixteen 32-bit limbs or as eighteen limbs of five base-58 digits. Converting is a
//! product with a constant table of the powers of one radix written in the other. Products are summed in columns of 64
//! bits: six of 2^32 and 58^5 fit, with room for a carry, so columns are carried after six rows. No division by a variable
//! and no allocation. Digits are always 88, left-padded with the digit zero, `1`.

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
/// `TO_BINARY[i]` is 58^(5 * (17 - i)) in 32-bit limbs, most significant first.
static TO_BINARY: [[u32; BINARY_LIMBS]; DECIMAL_LIMBS] = powers_of_58();
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
    let limbs = values.as_chunks::<5>().0;
    let limb = |row: usize| {
        let digits = limbs[row].map(u32::from);
        (digits[0] * 58 + digits[1]) * 195_112 + digits[2] * 3364 + (digits[3] * 58 + digits[4])
    };
    let mut columns = [0_u64; BINARY_LIMBS];
    let mut overflow = 0;
    // As in `encode`; the rows reach 16, 11 and 5 columns.
    (0..6).for_each(|row| add_product::<BINARY_LIMBS, 16>(&mut columns, limb(row), &TO_BINARY[row]));
    overflow += shift_step(&mut columns);
    (6..12).for_each(|row| add_product::<BINARY_LIMBS, 11>(&mut columns, limb(row), &TO_BINARY[row]));
    overflow += shift_step(&mut columns);
    (12..18).for_each(|row| add_product::<BINARY_LIMBS, 5>(&mut columns, limb(row), &TO_BINARY[row]));
    let mut bytes = [0; 64];
    let mut carry = 0;
    for (column, out) in columns.iter().zip(bytes.as_chunks_mut::<4>().0).rev() {
        let value = column + carry;
        *out = (value as u32).to_be_bytes();
        carry = value >> 32;
    }
    if overflow + carry == 0 { Ok(bytes) } else { Err(DecodeError::Overflow) }
}

/// Carries what every column has above 32 bits to its neighbour on the left; returns what leaves the first.
fn shift_step(columns: &mut [u64; BINARY_LIMBS]) -> u64 {
    let carries = columns.map(|column| column >> 32);
    for (column, carry) in columns.iter_mut().zip(carries[1..].iter().chain(&[0])) {
        *column = (*column & 0xffff_ffff) + carry;
    }
    carries[0]
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
        for (row, reach) in [(0, 16), (6, 11), (12, 5)] {
            assert!(TO_BINARY[row][..BINARY_LIMBS - reach].iter().all(|limb| *limb == 0));
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
