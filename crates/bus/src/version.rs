//! Which versions of the protocol two programs have in common.

use serde::{Deserialize, Serialize};

use crate::reply::{ErrorCode, Refusal};

/// The version of the protocol that this crate speaks. It grows when the bytes of a message change after a
/// release; until the first one, daemon and clients have to be of one build.
pub const PROTOCOL_VERSION: u16 = 1;

/// The versions that a program speaks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl VersionRange {
    /// What this crate speaks.
    pub const SUPPORTED: Self = Self { min: PROTOCOL_VERSION, max: PROTOCOL_VERSION };

    /// The newest version that both speak.
    ///
    /// # Errors
    /// [`ErrorCode::Version`] when there is none.
    pub fn newest_common(self, other: Self) -> Result<u16, Refusal> {
        let newest = self.max.min(other.max);
        if newest >= self.min.max(other.min) {
            return Ok(newest);
        }
        Err(Refusal::new(
            ErrorCode::Version,
            format!(
                "no common protocol version: {} to {} here, {} to {} there",
                self.min, self.max, other.min, other.max
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_wins() {
        let range = |min, max| VersionRange { min, max };
        assert_eq!(range(1, 3).newest_common(range(2, 9)), Ok(3));
        assert_eq!(range(2, 2).newest_common(range(1, 2)), Ok(2));
        for (here, there) in
            [(range(1, 1), range(2, 3)), (range(4, 5), range(1, 3)), (range(1, 1), range(3, 0))]
        {
            let refusal = here.newest_common(there).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::Version);
        }
    }
}
