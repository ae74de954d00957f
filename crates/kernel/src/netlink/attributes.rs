//! Reading attributes without trusting their lengths.

/// Bytes of an attribute's header: length and type.
const HEADER: usize = 4;

/// Both flag bits that may ride on an attribute's type (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`).
const TYPE_MASK: u16 = 0x3fff;

/// The attributes in `bytes` as type and payload; ends at the first whose length cannot be true.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = bytes.first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & TYPE_MASK;
        let payload = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, payload))
    })
}

/// The `u32` at `offset`, 0 where the record is shorter: older kernels send shorter records.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).map_or(0, |b| u32::from_ne_bytes(*b))
}

/// The `u64` at `offset`, 0 where the record is shorter.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..).and_then(<[u8]>::first_chunk).map_or(0, |b| u64::from_ne_bytes(*b))
}

/// A zero-terminated text.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_padded_attributes() {
        let bytes = [5, 0, 1, 0, 7, 0, 0, 0, 8, 0, 2, 0x80, 1, 2, 3, 4];
        let seen: Vec<_> = attributes(&bytes).collect();
        assert_eq!(seen, [(1, &[7][..]), (2, &[1, 2, 3, 4][..])]);
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        for bytes in [&[3, 0, 1, 0][..], &[9, 0, 1, 0, 0][..], &[0, 0, 0, 0][..], &[4, 0][..]] {
            assert_eq!(attributes(bytes).count(), 0, "{bytes:?}");
        }
        assert_eq!((u32_at(&[1, 0], 0), u64_at(&[0; 12], 8)), (0, 0));
    }
}
