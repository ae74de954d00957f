//! Checksums and hex dumps.

use std::fmt::Write;

use anyhow::{Context, Result, bail};

/// Bytes in a line of a dump.
const LINE: usize = 16;

/// The ones' complement sum of 16-bit words (RFC 1071), an odd last byte padded with zero.
pub fn ones_complement_sum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = bytes
        .chunks(2)
        .map(|pair| u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The Internet checksum (RFC 1071) of bytes whose checksum field is zero.
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    !ones_complement_sum(bytes)
}

/// Two digits a byte, 16 bytes a line.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (i, byte) in bytes.iter().enumerate() {
        let gap = match i % LINE {
            _ if i == 0 => "",
            0 => "\n",
            _ => " ",
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{gap}{byte:02x}");
    }
    text
}

/// Reads a dump: two digits a byte, any white space, comments from `#` to the end of the line.
///
/// # Errors
/// When something else stands there.
pub fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits: String = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(str::split_whitespace)
        .collect();
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        bail!("a byte has two hex digits: {digits}");
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).context("no hex digits"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_example_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(ones_complement_sum(&bytes), 0xddf2);
    }

    #[test]
    fn a_dump_reads_back() {
        let bytes: Vec<u8> = (0..40).collect();
        assert_eq!(from_hex(&to_hex(&bytes)).unwrap(), bytes);
        assert_eq!(from_hex("45 00 # the header\n0a").unwrap(), [0x45, 0, 0x0a]);
        assert!(from_hex("4").is_err());
        assert!(from_hex("zz").is_err());
    }
}
