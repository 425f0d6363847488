//! The dispatcher: which kernel this process uses.

use std::fmt;
use std::sync::OnceLock;

use crate::{Block, Lane, State, portable};

/// Name of the environment variable that forces a kernel: `portable`, or `auto` for detection (the default).
pub const PLATFORM_VARIABLE: &str = "C4_SHA512_PLATFORM";

/// A kernel that can run on this processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// One lane after the other with the block function of the `sha2` crate, which picks the processor's own
    /// instructions where it knows any.
    Portable,
}

/// The value of [`PLATFORM_VARIABLE`] that names no kernel of this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPlatform(pub String);

impl fmt::Display for UnknownPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PLATFORM_VARIABLE}={} names no SHA-512 kernel of this build; expected auto", self.0)?;
        Platform::ALL.iter().try_for_each(|p| write!(f, ", {}", p.name()))
    }
}

impl std::error::Error for UnknownPlatform {}

impl Platform {
    /// Every kernel of this build, slowest first.
    pub const ALL: &[Self] = &[Self::Portable];

    /// The kernel in use, detected on the first call. A forced name that is unknown is ignored here; call
    /// [`Platform::forced`] where it can be reported.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Platform> = OnceLock::new();
        *CURRENT.get_or_init(|| Self::forced().ok().flatten().unwrap_or_else(Self::fastest))
    }

    /// The kernel that [`PLATFORM_VARIABLE`] asks for, `None` when it asks for none.
    pub fn forced() -> Result<Option<Self>, UnknownPlatform> {
        let Ok(name) = std::env::var(PLATFORM_VARIABLE) else { return Ok(None) };
        match name.as_str() {
            "" | "auto" => Ok(None),
            name => Self::ALL
                .iter()
                .find(|platform| platform.name() == name)
                .map(|platform| Some(*platform))
                .ok_or_else(|| UnknownPlatform(name.to_owned())),
        }
    }

    /// The kernel's name, as [`PLATFORM_VARIABLE`] takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
        }
    }

    /// How many lanes advance together at full speed.
    pub const fn lanes(self) -> usize {
        match self {
            Self::Portable => 1,
        }
    }

    /// Advances one state over whole blocks.
    pub fn compress(self, state: &mut State, blocks: &[Block]) {
        match self {
            Self::Portable => portable::compress(state, blocks),
        }
    }

    /// Advances each lane over its own blocks; lanes may differ in length.
    pub fn compress_lanes(self, lanes: &mut [Lane<'_>]) {
        match self {
            Self::Portable => portable::compress_lanes(lanes),
        }
    }

    const fn fastest() -> Self {
        Self::Portable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_found_by_its_name() {
        for platform in Platform::ALL {
            assert_eq!(Platform::ALL.iter().find(|p| p.name() == platform.name()), Some(platform));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let text = UnknownPlatform("avx9".into()).to_string();
        assert_eq!(text, "C4_SHA512_PLATFORM=avx9 names no SHA-512 kernel of this build; expected auto, portable");
    }
}
