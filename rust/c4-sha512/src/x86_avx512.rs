//! Eight lanes a register, on x86-64 processors with AVX-512.
//!
//! Thirty-two registers hold the state of two groups of eight, and a rotation or a function of three bits is one
//! instruction. A single stream gains nothing from wide registers: it is that of [`crate::x86_avx2`].

#![allow(unsafe_op_in_unsafe_fn, reason = "wrappers of intrinsics hold nothing else, and pass their contract on")]
#![allow(clippy::inline_always, reason = "code that is not inlined into a function with the target feature lacks it")]

use std::arch::x86_64::{
    __m512i, _mm_set_epi8, _mm512_add_epi64, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_ror_epi64,
    _mm512_set1_epi64, _mm512_shuffle_epi8, _mm512_shuffle_i64x2, _mm512_srli_epi64, _mm512_storeu_si512,
    _mm512_ternarylogic_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use crate::lockstep::{self, Vector};
use crate::{Block, Lane};

/// Most lanes that advance together: two groups.
pub(crate) const LANES: usize = 2 * Words::LANES;

/// Lanes of one group.
pub(crate) const GROUP_LANES: usize = Words::LANES;

#[derive(Clone, Copy)]
struct Words(__m512i);

/// Truth tables of `_mm512_ternarylogic_epi64`: bit `4a + 2b + c` is the value for the bits a, b, c.
mod table {
    pub(super) const XOR: i32 = 0b1001_0110;
    pub(super) const CHOOSE: i32 = 0b1100_1010;
    pub(super) const MAJORITY: i32 = 0b1110_1000;
}

impl Vector for Words {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(word: u64) -> Self {
        Self(_mm512_set1_epi64(word as i64))
    }

    #[inline(always)]
    unsafe fn from_words(words: &[u64]) -> Self {
        let words: &[u64; 8] = words.try_into().expect("eight words");
        // SAFETY: 64 bytes may be read; the load needs no alignment.
        Self(_mm512_loadu_si512(words.as_ptr().cast()))
    }

    #[inline(always)]
    unsafe fn to_words(self, words: &mut [u64]) {
        let words = &mut words[..8];
        // SAFETY: 64 bytes may be written; the store needs no alignment.
        _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0);
    }

    #[inline(always)]
    unsafe fn load_blocks(blocks: &[&Block]) -> [Self; 16] {
        let blocks: &[&Block; 8] = blocks.try_into().expect("eight blocks");
        let mut words = [Self::splat(0); 16];
        for (half, words) in words.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            // SAFETY: `half` is below 2: the 64 bytes lie inside the block of 128.
            let row = |lane: usize| swap_bytes(_mm512_loadu_si512(blocks[lane].as_ptr().add(half * 64).cast()));
            *words = transpose([row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)]);
        }
        words
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(_mm512_add_epi64(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        Self(_mm512_ternarylogic_epi64::<{ table::XOR }>(self.0, b.0, c.0))
    }

    #[inline(always)]
    unsafe fn rotate_right<const N: i32, const LEFT: i32>(self) -> Self {
        Self(_mm512_ror_epi64::<N>(self.0))
    }

    #[inline(always)]
    unsafe fn shift_right<const N: i32>(self) -> Self {
        // The intrinsic's constant has another type than that for AVX2.
        match N {
            6 => Self(_mm512_srli_epi64::<6>(self.0)),
            7 => Self(_mm512_srli_epi64::<7>(self.0)),
            _ => unreachable!("SHA-512 shifts by 6 and 7"),
        }
    }

    #[inline(always)]
    unsafe fn choose(self, f: Self, g: Self) -> Self {
        Self(_mm512_ternarylogic_epi64::<{ table::CHOOSE }>(self.0, f.0, g.0))
    }

    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        Self(_mm512_ternarylogic_epi64::<{ table::MAJORITY }>(self.0, b.0, c.0))
    }
}

#[inline(always)]
unsafe fn swap_bytes(words: __m512i) -> __m512i {
    let order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(order))
}

/// Rows of eight words become columns: register `i` of the result holds word `i` of every row.
#[inline(always)]
unsafe fn transpose(rows: [__m512i; 8]) -> [Words; 8] {
    // Pairs of rows: `low[i]` holds the even words of rows 2i and 2i + 1, `high[i]` the odd ones.
    let pair = |i: usize| {
        (_mm512_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]), _mm512_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]))
    };
    let [(low0, high0), (low1, high1), (low2, high2), (low3, high3)] = [pair(0), pair(1), pair(2), pair(3)];
    // Quarters of 128 bits: of four rows the first and third, or the second and fourth; then of all eight.
    let quarters = |a, b, c, d| {
        let (first, second) = (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0x88>(c, d));
        let (third, fourth) = (_mm512_shuffle_i64x2::<0xdd>(a, b), _mm512_shuffle_i64x2::<0xdd>(c, d));
        [
            Words(_mm512_shuffle_i64x2::<0x88>(first, second)),
            Words(_mm512_shuffle_i64x2::<0x88>(third, fourth)),
            Words(_mm512_shuffle_i64x2::<0xdd>(first, second)),
            Words(_mm512_shuffle_i64x2::<0xdd>(third, fourth)),
        ]
    };
    let [w0, w2, w4, w6] = quarters(low0, low1, low2, low3);
    let [w1, w3, w5, w7] = quarters(high0, high1, high2, high3);
    [w0, w1, w2, w3, w4, w5, w6, w7]
}

/// Advances [`GROUP_LANES`] lanes over their first `count` blocks.
///
/// Panics if there are more or fewer lanes, or a lane has fewer blocks.
#[target_feature(enable = "avx512f,avx512bw")]
pub(crate) fn compress_group(lanes: &mut [Lane<'_>], count: usize) {
    // SAFETY: this function has the target features that `Words` needs.
    unsafe { lockstep::compress::<Words, 1>(lanes, count) }
}

/// Advances [`LANES`] lanes over their first `count` blocks.
///
/// Panics if there are more or fewer lanes, or a lane has fewer blocks.
#[target_feature(enable = "avx512f,avx512bw")]
pub(crate) fn compress_lanes(lanes: &mut [Lane<'_>], count: usize) {
    // SAFETY: this function has the target features that `Words` needs.
    unsafe { lockstep::compress::<Words, 2>(lanes, count) }
}

#[cfg(test)]
mod tests {
    use crate::{Platform, lanes::tests::check_platform};

    #[test]
    fn agrees_with_the_reference_implementation() {
        check_platform(Platform::by_name("avx512"));
    }
}
