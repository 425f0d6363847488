//! The kernel that runs everywhere: the block function of the `sha2` crate, lane by lane.

use crate::{Block, Lane, State};

/// Advances one state over whole blocks.
pub(crate) fn compress(state: &mut State, blocks: &[Block]) {
    sha2::block_api::compress512(state, blocks);
}

/// Advances each lane over its own blocks.
pub(crate) fn compress_lanes(lanes: &mut [Lane<'_>]) {
    for lane in lanes {
        compress(lane.state, lane.blocks);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Platform, lanes::tests::check_platform};

    #[test]
    fn agrees_with_the_reference_implementation() {
        check_platform(Platform::Portable);
    }
}
