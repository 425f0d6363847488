//! The kernel that runs everywhere: the block function of the `sha2` crate.

use crate::{Block, State};

/// Advances one state over whole blocks.
pub(crate) fn compress(state: &mut State, blocks: &[Block]) {
    sha2::block_api::compress512(state, blocks);
}

#[cfg(test)]
mod tests {
    use crate::{Platform, lanes::tests::check_platform};

    #[test]
    fn agrees_with_the_reference_implementation() {
        check_platform(Ok(Platform::PORTABLE));
    }
}
