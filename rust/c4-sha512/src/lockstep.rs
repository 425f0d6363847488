//! SHA-512 over the lanes of vector registers: the algorithm, written once for every register width.
//!
//! A register holds the same word of several messages, one a lane. `GROUPS` registers of each word advance side by side,
//! so that one group's instructions fill the time in which the other's wait for their operands.

#![allow(clippy::inline_always, reason = "code that is not inlined into a function with the target feature lacks it")]

use crate::constants::K;
use crate::{Block, Lane};

/// Most lanes of any kernel.
pub(crate) const MAX_LANES: usize = 16;

/// A register of 64-bit words.
///
/// # Safety
///
/// The functions may be called only where the processor has the instructions that the implementation uses; what they
/// do is otherwise defined for every value.
pub(crate) trait Vector: Copy {
    /// Words in a register.
    const LANES: usize;

    /// One value in every lane.
    unsafe fn splat(word: u64) -> Self;
    /// One word a lane; `words` has `LANES`.
    unsafe fn from_words(words: &[u64]) -> Self;
    /// The words, lane by lane, into the first `LANES` of `words`.
    unsafe fn to_words(self, words: &mut [u64]);
    /// The 16 big-endian words of a block, each in one register; lane `i` is that of `blocks[i]`, and there are `LANES`.
    unsafe fn load_blocks(blocks: &[&Block]) -> [Self; 16];
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn xor3(self, b: Self, c: Self) -> Self;
    unsafe fn rotate_right<const N: i32, const LEFT: i32>(self) -> Self;
    unsafe fn shift_right<const N: i32>(self) -> Self;
    /// `f` where the bit of `self` is set, else `g`.
    unsafe fn choose(self, f: Self, g: Self) -> Self;
    /// The value that two of three bits have.
    unsafe fn majority(self, b: Self, c: Self) -> Self;
}

/// Advances `GROUPS * V::LANES` lanes over their first `count` blocks.
///
/// # Safety
///
/// The processor has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn compress<V: Vector, const GROUPS: usize>(lanes: &mut [Lane<'_>], count: usize) {
    assert_eq!(lanes.len(), V::LANES * GROUPS);
    // SAFETY: as this function's.
    unsafe {
        let mut words = [0; MAX_LANES];
        let mut state = [[V::splat(0); 8]; GROUPS];
        for (state, lanes) in state.iter_mut().zip(lanes.chunks_exact(V::LANES)) {
            for (i, vector) in state.iter_mut().enumerate() {
                words.iter_mut().zip(lanes).for_each(|(word, lane)| *word = lane.state[i]);
                *vector = V::from_words(&words[..V::LANES]);
            }
        }
        for at in 0..count {
            let mut blocks = [&[0; 128]; MAX_LANES];
            blocks.iter_mut().zip(&*lanes).for_each(|(block, lane)| *block = &lane.blocks[at]);
            block::<V, GROUPS>(&mut state, &blocks);
        }
        for (state, lanes) in state.iter().zip(lanes.chunks_exact_mut(V::LANES)) {
            for (i, vector) in state.iter().enumerate() {
                vector.to_words(&mut words);
                words.iter().zip(lanes.iter_mut()).for_each(|(word, lane)| lane.state[i] = *word);
            }
        }
    }
}

/// Advances every lane over one block (FIPS 180-4, section 6.4.2).
#[inline(always)]
unsafe fn block<V: Vector, const GROUPS: usize>(state: &mut [[V; 8]; GROUPS], blocks: &[&Block; MAX_LANES]) {
    // SAFETY: as this function's.
    unsafe {
        let mut schedule = [[V::splat(0); 16]; GROUPS];
        for (schedule, blocks) in schedule.iter_mut().zip(blocks.chunks_exact(V::LANES)) {
            *schedule = V::load_blocks(blocks);
        }
        let mut now = *state;
        for sixteen in 0..5 {
            // The working variables a to h move down one place a round: the place of `a` in round i is (8 - i) mod 8.
            macro_rules! round {
                ($i:literal) => {
                    let k = V::splat(K[sixteen * 16 + $i]);
                    for (now, schedule) in now.iter_mut().zip(&mut schedule) {
                        let [a, b, c, d, e, f, g, h] = [
                            (16 - $i) % 8,
                            (17 - $i) % 8,
                            (18 - $i) % 8,
                            (19 - $i) % 8,
                            (20 - $i) % 8,
                            (21 - $i) % 8,
                            (22 - $i) % 8,
                            (23 - $i) % 8,
                        ];
                        let first = now[h]
                            .add(k.add(schedule[$i]))
                            .add(big_sigma1(now[e]))
                            .add(now[e].choose(now[f], now[g]));
                        let second = big_sigma0(now[a]).add(now[a].majority(now[b], now[c]));
                        now[d] = now[d].add(first);
                        now[h] = first.add(second);
                        if sixteen < 4 {
                            schedule[$i] = schedule[$i]
                                .add(small_sigma0(schedule[($i + 1) % 16]))
                                .add(schedule[($i + 9) % 16])
                                .add(small_sigma1(schedule[($i + 14) % 16]));
                        }
                    }
                };
            }
            round!(0);
            round!(1);
            round!(2);
            round!(3);
            round!(4);
            round!(5);
            round!(6);
            round!(7);
            round!(8);
            round!(9);
            round!(10);
            round!(11);
            round!(12);
            round!(13);
            round!(14);
            round!(15);
        }
        for (state, now) in state.iter_mut().zip(&now) {
            for (state, now) in state.iter_mut().zip(now) {
                *state = state.add(*now);
            }
        }
    }
}

#[inline(always)]
unsafe fn big_sigma0<V: Vector>(a: V) -> V {
    // SAFETY: as this function's.
    unsafe { a.rotate_right::<28, 36>().xor3(a.rotate_right::<34, 30>(), a.rotate_right::<39, 25>()) }
}

#[inline(always)]
unsafe fn big_sigma1<V: Vector>(e: V) -> V {
    // SAFETY: as this function's.
    unsafe { e.rotate_right::<14, 50>().xor3(e.rotate_right::<18, 46>(), e.rotate_right::<41, 23>()) }
}

#[inline(always)]
pub(crate) unsafe fn small_sigma0<V: Vector>(w: V) -> V {
    // SAFETY: as this function's.
    unsafe { w.rotate_right::<1, 63>().xor3(w.rotate_right::<8, 56>(), w.shift_right::<7>()) }
}

#[inline(always)]
pub(crate) unsafe fn small_sigma1<V: Vector>(w: V) -> V {
    // SAFETY: as this function's.
    unsafe { w.rotate_right::<19, 45>().xor3(w.rotate_right::<61, 3>(), w.shift_right::<6>()) }
}
