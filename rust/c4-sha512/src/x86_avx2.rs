//! Four lanes a register, on x86-64 processors with AVX2; also the fastest single stream there.

#![allow(clippy::inline_always, reason = "code that is not inlined into a function with the target feature lacks it")]
#![allow(clippy::many_single_char_names, reason = "the standard's names of the working variables")]

use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set_epi8, _mm256_set1_epi64x, _mm256_shuffle_epi8, _mm256_slli_epi64, _mm256_srli_epi64,
    _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use crate::constants::K;
use crate::lockstep::{self, Vector, small_sigma0, small_sigma1};
use crate::{Block, Lane, State, portable};

/// Lanes that advance together. A second group of four gains nothing: sixteen registers do not hold the state of both.
pub(crate) const LANES: usize = Words::LANES;

#[derive(Clone, Copy)]
struct Words(__m256i);

#[allow(unsafe_op_in_unsafe_fn, reason = "a wrapper of an intrinsic holds nothing else, and passes its contract on")]
impl Vector for Words {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(word: u64) -> Self {
        Self(_mm256_set1_epi64x(word as i64))
    }

    #[inline(always)]
    unsafe fn from_words(words: &[u64]) -> Self {
        let words: &[u64; 4] = words.try_into().expect("four words");
        // SAFETY: 32 bytes may be read; the load needs no alignment.
        Self(_mm256_loadu_si256(words.as_ptr().cast()))
    }

    #[inline(always)]
    unsafe fn to_words(self, words: &mut [u64]) {
        let words = &mut words[..4];
        // SAFETY: 32 bytes may be written; the store needs no alignment.
        _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0);
    }

    #[inline(always)]
    unsafe fn load_blocks(blocks: &[&Block]) -> [Self; 16] {
        let blocks: &[&Block; 4] = blocks.try_into().expect("four blocks");
        let mut words = [Self::splat(0); 16];
        for (quarter, words) in words.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            // SAFETY: `quarter` is below 4: the 32 bytes lie inside the block of 128.
            let row = |lane: usize| swap_bytes(_mm256_loadu_si256(blocks[lane].as_ptr().add(quarter * 32).cast()));
            let rows = [row(0), row(1), row(2), row(3)];
            let low = [_mm256_unpacklo_epi64(rows[0], rows[1]), _mm256_unpacklo_epi64(rows[2], rows[3])];
            let high = [_mm256_unpackhi_epi64(rows[0], rows[1]), _mm256_unpackhi_epi64(rows[2], rows[3])];
            words[0] = Self(_mm256_permute2x128_si256::<0x20>(low[0], low[1]));
            words[1] = Self(_mm256_permute2x128_si256::<0x20>(high[0], high[1]));
            words[2] = Self(_mm256_permute2x128_si256::<0x31>(low[0], low[1]));
            words[3] = Self(_mm256_permute2x128_si256::<0x31>(high[0], high[1]));
        }
        words
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(_mm256_add_epi64(self.0, other.0))
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        Self(_mm256_xor_si256(_mm256_xor_si256(self.0, b.0), c.0))
    }

    #[inline(always)]
    unsafe fn rotate_right<const N: i32, const LEFT: i32>(self) -> Self {
        Self(_mm256_or_si256(_mm256_srli_epi64::<N>(self.0), _mm256_slli_epi64::<LEFT>(self.0)))
    }

    #[inline(always)]
    unsafe fn shift_right<const N: i32>(self) -> Self {
        Self(_mm256_srli_epi64::<N>(self.0))
    }

    #[inline(always)]
    unsafe fn choose(self, f: Self, g: Self) -> Self {
        Self(_mm256_xor_si256(_mm256_and_si256(_mm256_xor_si256(f.0, g.0), self.0), g.0))
    }

    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        let differs = _mm256_xor_si256(self.0, b.0);
        Self(_mm256_xor_si256(_mm256_and_si256(differs, _mm256_xor_si256(b.0, c.0)), b.0))
    }
}

#[inline(always)]
#[allow(unsafe_op_in_unsafe_fn, reason = "as above")]
unsafe fn swap_bytes(words: __m256i) -> __m256i {
    let order = _mm256_set_epi8(
        8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7,
    );
    _mm256_shuffle_epi8(words, order)
}

/// Advances [`LANES`] lanes over their first `count` blocks.
///
/// Panics if there are more or fewer lanes, or a lane has fewer blocks.
#[target_feature(enable = "avx2")]
pub(crate) fn compress_lanes(lanes: &mut [Lane<'_>], count: usize) {
    // SAFETY: this function has the target feature that `Words` needs.
    unsafe { lockstep::compress::<Words, 1>(lanes, count) }
}

/// Blocks from which [`compress`] gains by its schedules in lanes.
const SHORTEST_STREAM: usize = 4;

/// Message schedules of four blocks with the round constants added: by round, then by block.
type Schedules = [[u64; 4]; 80];

/// Advances one state over whole blocks.
///
/// The message schedules of consecutive blocks do not depend on each other: those of four blocks are computed in the
/// four lanes, while the rounds of the four blocks before, which are serial, run in the general registers.
#[target_feature(enable = "avx2,bmi1,bmi2")]
pub(crate) fn compress(state: &mut State, blocks: &[Block]) {
    let four = |index: usize| -> Option<[&Block; 4]> {
        let blocks = blocks.get(index * 4..)?;
        let last = blocks.last()?;
        Some([&blocks[0], blocks.get(1).unwrap_or(last), blocks.get(2).unwrap_or(last), blocks.get(3).unwrap_or(last)])
    };
    if blocks.len() < SHORTEST_STREAM {
        return portable::compress(state, blocks);
    }
    let Some(first) = four(0) else { return };
    let mut buffers: [Schedules; 2] = [[[0; 4]; 80]; 2];
    let [mut current, mut following] = buffers.each_mut();
    // SAFETY: the function has the target feature that `Words` uses.
    unsafe { schedule(current, &first) };
    for index in 0..blocks.len().div_ceil(4) {
        let Some(next) = four(index + 1) else {
            for block in 0..blocks.len() - index * 4 {
                // SAFETY: the function has the target features; `block` is below 4.
                unsafe { rounds(state, current, block) };
            }
            return;
        };
        // SAFETY: the function has the target features.
        unsafe { rounds_and_schedule(state, current, following, &next) };
        std::mem::swap(&mut current, &mut following);
    }
}

/// Writes the schedules of four blocks.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn schedule(out: &mut Schedules, blocks: &[&Block; 4]) {
    // SAFETY: as this function's.
    unsafe {
        let mut words = Words::load_blocks(blocks);
        for (sixteen, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            for i in 0..16 {
                words[i].add(Words::splat(K[sixteen * 16 + i])).to_words(&mut out[i]);
                if sixteen < 4 {
                    words[i] = extended(&words, i);
                }
            }
        }
    }
}

/// The word that comes 16 places after word `i` of a window of the schedule.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn extended(words: &[Words; 16], i: usize) -> Words {
    // SAFETY: as this function's.
    unsafe {
        words[i].add(small_sigma0(words[(i + 1) % 16])).add(words[(i + 9) % 16]).add(small_sigma1(words[(i + 14) % 16]))
    }
}

/// One round (FIPS 180-4, section 6.4.2, step 3) with the word that lies `$row` rows after `$words`; it must be there.
///
/// `$b_xor_c` is the exclusive or of two variables that the majority function of the round before has computed. Written
/// in assembly since a compiler moves the instructions of a schedule that runs beside it out of the gaps that they are
/// meant to fill.
macro_rules! round {
    ($words:ident, $row:expr, $b_xor_c:ident $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        asm!(
            "add {h}, [{words} + {row}]",
            "rorx {x}, {e}, 41",
            "rorx {y}, {e}, 18",
            "andn {z}, {e}, {g}",
            "xor {x}, {y}",
            "rorx {y}, {e}, 14",
            "add {h}, {z}",
            "mov {z}, {f}",
            "and {z}, {e}",
            "xor {x}, {y}",
            "add {h}, {z}",
            "rorx {y}, {a}, 39",
            "mov {z}, {a}",
            "xor {z}, {b}",
            "add {h}, {x}",
            "rorx {x}, {a}, 34",
            "add {d}, {h}",
            "and {t}, {z}",
            "xor {x}, {y}",
            "rorx {y}, {a}, 28",
            "xor {t}, {b}",
            "xor {x}, {y}",
            "add {h}, {t}",
            "mov {t}, {z}",
            "add {h}, {x}",
            words = in(reg) $words, row = const ($row) * 32,
            a = in(reg) $a, b = in(reg) $b, d = inout(reg) $d, e = in(reg) $e, f = in(reg) $f, g = in(reg) $g,
            h = inout(reg) $h, t = inout(reg) $b_xor_c, x = out(reg) _, y = out(reg) _, z = out(reg) _,
            options(nostack)
       );
    };
}

/// Keeps a computation where it is written, between two rounds.
macro_rules! stay_here {
    ($words:ident) => {
        asm!("/* {0} */", inout(ymm_reg) $words.0, options(nomem, nostack, preserves_flags));
    };
}

/// The rounds of four blocks, and beside them the schedules of the next four: one step every five rounds.
///
/// # Safety
///
/// The processor has AVX2, BMI1 and BMI2.
#[target_feature(enable = "avx2,bmi1,bmi2")]
#[allow(unused_assignments, reason = "the last round's intermediate value is not needed")]
unsafe fn rounds_and_schedule(state: &mut State, current: &Schedules, out: &mut Schedules, next: &[&Block; 4]) {
    // SAFETY: the processor has the instructions. The assembly of a round reads eight bytes, `row * 32` after `scheduled`:
    // `row` is at most 79 and `block` at most 3, so that they lie in `current`. It writes no memory and leaves the stack.
    unsafe {
        let mut words = Words::load_blocks(next);
        for i in 0..16 {
            words[i].add(Words::splat(K[i])).to_words(&mut out[i]);
        }
        for block in 0..4 {
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            let mut t = b ^ c;
            let scheduled = current.as_ptr().cast::<u64>().add(block);
            macro_rules! five_rounds {
            ($step:expr, [$($r0:ident)*] [$($r1:ident)*] [$($r2:ident)*] [$($r3:ident)*] [$($r4:ident)*]) => {
                let word = words[($step + 1) % 16];
                let mut sum = words[$step].add(small_sigma0(word));
                stay_here!(sum);
                round!(scheduled, $step * 5, t $($r0)*);
                let word = words[($step + 14) % 16];
                let mut sigma = Words(_mm256_xor_si256(word.rotate_right::<19, 45>().0, word.shift_right::<6>().0));
                stay_here!(sigma);
                round!(scheduled, $step * 5 + 1, t $($r1)*);
                sigma = Words(_mm256_xor_si256(sigma.0, word.rotate_right::<61, 3>().0));
                stay_here!(sigma);
                round!(scheduled, $step * 5 + 2, t $($r2)*);
                sum = sum.add(words[($step + 9) % 16]).add(sigma);
                stay_here!(sum);
                words[$step] = sum;
                round!(scheduled, $step * 5 + 3, t $($r3)*);
                sum.add(Words::splat(K[block * 16 + 16 + $step])).to_words(&mut out[block * 16 + 16 + $step]);
                round!(scheduled, $step * 5 + 4, t $($r4)*);
            };
        }
            five_rounds!(0, [a b c d e f g h] [h a b c d e f g] [g h a b c d e f] [f g h a b c d e] [e f g h a b c d]);
            five_rounds!(1, [d e f g h a b c] [c d e f g h a b] [b c d e f g h a] [a b c d e f g h] [h a b c d e f g]);
            five_rounds!(2, [g h a b c d e f] [f g h a b c d e] [e f g h a b c d] [d e f g h a b c] [c d e f g h a b]);
            five_rounds!(3, [b c d e f g h a] [a b c d e f g h] [h a b c d e f g] [g h a b c d e f] [f g h a b c d e]);
            five_rounds!(4, [e f g h a b c d] [d e f g h a b c] [c d e f g h a b] [b c d e f g h a] [a b c d e f g h]);
            five_rounds!(5, [h a b c d e f g] [g h a b c d e f] [f g h a b c d e] [e f g h a b c d] [d e f g h a b c]);
            five_rounds!(6, [c d e f g h a b] [b c d e f g h a] [a b c d e f g h] [h a b c d e f g] [g h a b c d e f]);
            five_rounds!(7, [f g h a b c d e] [e f g h a b c d] [d e f g h a b c] [c d e f g h a b] [b c d e f g h a]);
            five_rounds!(8, [a b c d e f g h] [h a b c d e f g] [g h a b c d e f] [f g h a b c d e] [e f g h a b c d]);
            five_rounds!(9, [d e f g h a b c] [c d e f g h a b] [b c d e f g h a] [a b c d e f g h] [h a b c d e f g]);
            five_rounds!(10, [g h a b c d e f] [f g h a b c d e] [e f g h a b c d] [d e f g h a b c] [c d e f g h a b]);
            five_rounds!(11, [b c d e f g h a] [a b c d e f g h] [h a b c d e f g] [g h a b c d e f] [f g h a b c d e]);
            five_rounds!(12, [e f g h a b c d] [d e f g h a b c] [c d e f g h a b] [b c d e f g h a] [a b c d e f g h]);
            five_rounds!(13, [h a b c d e f g] [g h a b c d e f] [f g h a b c d e] [e f g h a b c d] [d e f g h a b c]);
            five_rounds!(14, [c d e f g h a b] [b c d e f g h a] [a b c d e f g h] [h a b c d e f g] [g h a b c d e f]);
            five_rounds!(15, [f g h a b c d e] [e f g h a b c d] [d e f g h a b c] [c d e f g h a b] [b c d e f g h a]);
            add_state(state, &[a, b, c, d, e, f, g, h]);
        }
    }
}

/// The rounds of a block.
///
/// # Safety
///
/// The processor has BMI1 and BMI2; `block` is below 4.
#[inline(always)]
#[allow(unused_assignments, reason = "the last round's intermediate value is not needed")]
unsafe fn rounds(state: &mut State, current: &Schedules, block: usize) {
    // SAFETY: the processor has the instructions. The assembly of a round reads eight bytes, `row * 32` after `words`: `row`
    // is at most 7, `words` points into row `eight * 8` of 80 and `block` is below 4, so that they lie in `current`. It writes
    // no memory and leaves the stack.
    unsafe {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        let mut t = b ^ c;
        for eight in 0..10 {
            let words = current[eight * 8..].as_ptr().cast::<u64>().add(block);
            round!(words, 0, t a b c d e f g h);
            round!(words, 1, t h a b c d e f g);
            round!(words, 2, t g h a b c d e f);
            round!(words, 3, t f g h a b c d e);
            round!(words, 4, t e f g h a b c d);
            round!(words, 5, t d e f g h a b c);
            round!(words, 6, t c d e f g h a b);
            round!(words, 7, t b c d e f g h a);
        }
        add_state(state, &[a, b, c, d, e, f, g, h]);
    }
}

#[inline(always)]
fn add_state(state: &mut State, now: &State) {
    for (state, now) in state.iter_mut().zip(now) {
        *state = state.wrapping_add(*now);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Platform, lanes::tests::check_platform};

    #[test]
    fn agrees_with_the_reference_implementation() {
        check_platform(Platform::by_name("avx2"));
    }
}
