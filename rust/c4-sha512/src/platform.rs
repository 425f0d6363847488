//! The dispatcher: which kernel this process uses.

use std::fmt;
use std::sync::OnceLock;

use crate::{Block, INITIAL_STATE, Lane, State, portable};
#[cfg(target_arch = "x86_64")]
use crate::{x86_avx2, x86_avx512};

/// Name of the environment variable that forces a kernel: the name of one, or `auto` for the fastest (the default).
pub const PLATFORM_VARIABLE: &str = "C4_SHA512_PLATFORM";

/// Lanes up to which the single-stream path, one lane after the other, is faster than vectors that are mostly empty.
#[cfg(target_arch = "x86_64")]
const FEW_LANES: usize = 2;

/// A kernel that this processor can run; there is no value for another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Platform(Kernel);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Why [`PLATFORM_VARIABLE`] cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformError {
    /// No kernel of this build has that name.
    Unknown(String),
    /// The processor lacks the instructions of that kernel.
    Unsupported(&'static str),
    /// The kernel gives wrong digests on this processor.
    Wrong(&'static str),
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "{PLATFORM_VARIABLE}={name} names no SHA-512 kernel of this build; expected auto")?;
                Kernel::ALL.iter().try_for_each(|kernel| write!(f, ", {}", kernel.name()))
            }
            Self::Unsupported(name) => {
                write!(f, "{PLATFORM_VARIABLE}={name}: this processor lacks the instructions of that SHA-512 kernel")
            }
            Self::Wrong(name) => {
                write!(f, "{PLATFORM_VARIABLE}={name}: that SHA-512 kernel gives wrong digests on this processor")
            }
        }
    }
}

impl std::error::Error for PlatformError {}

impl Kernel {
    /// Every kernel of this build, slowest first.
    #[cfg(target_arch = "x86_64")]
    const ALL: &[Self] = &[Self::Portable, Self::Avx2, Self::Avx512];
    /// Every kernel of this build. On arm64 the `sha2` crate behind the portable one uses the SHA-512 instructions.
    #[cfg(not(target_arch = "x86_64"))]
    const ALL: &[Self] = &[Self::Portable];

    const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        }
    }

    /// Whether the processor, and the operating system where it has to save registers, can run the kernel.
    fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            // Miri knows no inline assembly.
            #[cfg(target_arch = "x86_64")]
            _ if cfg!(miri) => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_supported() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
            }
        }
    }

    /// The kernel as one that may be called.
    fn available(self) -> Result<Platform, PlatformError> {
        if !self.is_supported() {
            return Err(PlatformError::Unsupported(self.name()));
        }
        let platform = Platform(self);
        if platform.answers_as_portable() { Ok(platform) } else { Err(PlatformError::Wrong(self.name())) }
    }
}

impl Platform {
    /// The kernel that works everywhere: one lane after the other with the block function of the `sha2` crate.
    pub const PORTABLE: Self = Self(Kernel::Portable);

    /// The kernel in use, chosen on the first call. Where [`PLATFORM_VARIABLE`] cannot be followed it is the portable
    /// one; call [`Platform::forced`] where that can be reported.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Platform> = OnceLock::new();
        *CURRENT.get_or_init(|| match Self::forced() {
            Ok(Some(platform)) => platform,
            Ok(None) => Self::all_available().next_back().unwrap_or(Self::PORTABLE),
            Err(_) => Self::PORTABLE,
        })
    }

    /// The kernel that [`PLATFORM_VARIABLE`] asks for, `None` when it asks for none.
    pub fn forced() -> Result<Option<Self>, PlatformError> {
        match std::env::var(PLATFORM_VARIABLE).as_deref() {
            Err(_) | Ok("" | "auto") => Ok(None),
            Ok(name) => Self::by_name(name).map(Some),
        }
    }

    /// The kernel of a name, as [`PLATFORM_VARIABLE`] takes it.
    pub fn by_name(name: &str) -> Result<Self, PlatformError> {
        let kernel = Kernel::ALL.iter().find(|kernel| kernel.name() == name);
        kernel.ok_or_else(|| PlatformError::Unknown(name.to_owned()))?.available()
    }

    /// Every kernel that can be used here, slowest first.
    pub fn all_available() -> impl DoubleEndedIterator<Item = Self> {
        Kernel::ALL.iter().filter_map(|kernel| kernel.available().ok())
    }

    /// The kernel's name.
    pub const fn name(self) -> &'static str {
        self.0.name()
    }

    /// How many lanes advance together at full speed.
    pub const fn lanes(self) -> usize {
        match self.0 {
            Kernel::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => x86_avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => x86_avx512::LANES,
        }
    }

    /// About how many times as fast a full set of lanes is, all together, as one stream.
    pub const fn speedup(self) -> u64 {
        match self.0 {
            Kernel::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => 2,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => 5,
        }
    }

    /// Advances one state over whole blocks.
    pub fn compress(self, state: &mut State, blocks: &[Block]) {
        match self.0 {
            Kernel::Portable => portable::compress(state, blocks),
            // SAFETY: there is no such value unless `is_supported` found AVX2, BMI1 and BMI2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 | Kernel::Avx512 => unsafe { x86_avx2::compress(state, blocks) },
        }
    }

    /// Advances every lane over its first `count` blocks.
    ///
    /// Any number of lanes will do; a multiple of [`Platform::lanes`] leaves no register empty.
    ///
    /// # Panics
    ///
    /// When a lane has fewer than `count` blocks.
    pub fn compress_lanes(self, lanes: &mut [Lane<'_>], count: usize) {
        for lanes in lanes.chunks_mut(self.lanes()) {
            match self.0 {
                Kernel::Portable => self.compress_in_turn(lanes, count),
                #[cfg(target_arch = "x86_64")]
                _ if lanes.len() <= FEW_LANES => self.compress_in_turn(lanes, count),
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx2 => {
                    // SAFETY: there is no such value unless `is_supported` found AVX2.
                    with_all_lanes(x86_avx2::LANES, lanes, |lanes| unsafe { x86_avx2::compress_lanes(lanes, count) });
                }
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx512 if lanes.len() <= x86_avx512::GROUP_LANES => {
                    with_all_lanes(x86_avx512::GROUP_LANES, lanes, |lanes| {
                        // SAFETY: there is no such value unless `is_supported` found AVX-512F and AVX-512BW.
                        unsafe { x86_avx512::compress_group(lanes, count) }
                    });
                }
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx512 => with_all_lanes(x86_avx512::LANES, lanes, |lanes| {
                    // SAFETY: there is no such value unless `is_supported` found AVX-512F and AVX-512BW.
                    unsafe { x86_avx512::compress_lanes(lanes, count) }
                }),
            }
        }
    }

    fn compress_in_turn(self, lanes: &mut [Lane<'_>], count: usize) {
        for lane in lanes {
            self.compress(lane.state, &lane.blocks[..count]);
        }
    }

    /// Compares the kernel with the portable one on a few blocks: a digest that is wrong would be believed for ever.
    fn answers_as_portable(self) -> bool {
        const COUNT: usize = 5;
        let mut word = 0_u32;
        let data: Vec<Block> = std::iter::repeat_with(|| {
            std::array::from_fn(|_| {
                word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (word >> 24) as u8
            })
        })
        .take(COUNT + self.lanes())
        .collect();
        (1..=self.lanes()).filter(|count| count % 4 == 1 || *count == self.lanes()).all(|count| {
            let mut states = vec![INITIAL_STATE; count];
            let mut lanes: Vec<Lane<'_>> =
                states.iter_mut().enumerate().map(|(i, state)| Lane { state, blocks: &data[i..i + COUNT] }).collect();
            self.compress_lanes(&mut lanes, COUNT);
            states.iter().enumerate().all(|(i, state)| {
                let mut expected = INITIAL_STATE;
                portable::compress(&mut expected, &data[i..i + COUNT]);
                *state == expected
            })
        })
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Platform({})", self.name())
    }
}

/// Adds lanes whose results are dropped, until there are `wanted`.
#[cfg(target_arch = "x86_64")]
fn with_all_lanes(wanted: usize, lanes: &mut [Lane<'_>], compress: impl FnOnce(&mut [Lane<'_>])) {
    if lanes.len() == wanted {
        return compress(lanes);
    }
    let mut dropped = [INITIAL_STATE; crate::lockstep::MAX_LANES];
    let blocks = lanes[0].blocks;
    let lanes = lanes.iter_mut().map(|lane| Lane { state: &mut *lane.state, blocks: lane.blocks });
    let added = dropped.iter_mut().map(|state| Lane { state, blocks });
    let mut all: Vec<Lane<'_>> = lanes.chain(added).take(wanted).collect();
    compress(&mut all);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_is_found_by_its_name_or_says_why_not() {
        for kernel in Kernel::ALL {
            match Platform::by_name(kernel.name()) {
                Ok(platform) => assert_eq!(platform.name(), kernel.name()),
                Err(error) => {
                    assert!(!kernel.is_supported());
                    assert_eq!(error, PlatformError::Unsupported(kernel.name()));
                }
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let text = PlatformError::Unknown("avx9".into()).to_string();
        let known = Kernel::ALL.iter().map(|kernel| kernel.name()).collect::<Vec<_>>().join(", ");
        assert_eq!(
            text,
            format!("C4_SHA512_PLATFORM=avx9 names no SHA-512 kernel of this build; expected auto, {known}")
        );
    }

    #[test]
    fn a_wanted_kernel_is_the_one_in_use() {
        if let Ok(name) = std::env::var(PLATFORM_VARIABLE)
            && !matches!(name.as_str(), "" | "auto")
        {
            assert_eq!(Platform::forced().unwrap().unwrap().name(), name);
            assert_eq!(Platform::current().name(), name);
        }
    }
}
