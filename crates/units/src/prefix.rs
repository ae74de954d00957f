//! IPv4 and IPv6 prefixes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An address block with no host bits set. Ordered by family, address, then length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpPrefix {
    addr: IpAddr,
    len: u8,
}

/// Why a text is not a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrefixError {
    /// Neither an IPv4 nor an IPv6 address, or a length that is not a number.
    Syntax(String),
    /// The length exceeds the address family's bits.
    Length {
        /// The length that was asked for.
        len: u32,
        /// The most that the family has.
        max: u8,
    },
    /// Bits after the length are set.
    HostBits {
        /// The prefix without them, which may be what was meant.
        network: IpPrefix,
    },
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => write!(f, "{text:?} is not an IP address or prefix"),
            Self::Length { len, max } => write!(f, "prefix length {len} exceeds {max}"),
            Self::HostBits { network } => write!(f, "host bits are set; did you mean {network}?"),
        }
    }
}

impl std::error::Error for PrefixError {}

impl IpPrefix {
    /// The block of `len` leading bits of `addr`.
    ///
    /// # Errors
    /// When `len` exceeds the family's bits or `addr` has bits beyond it.
    pub fn new(addr: IpAddr, len: u8) -> Result<Self, PrefixError> {
        let max = family_bits(addr);
        if len > max {
            return Err(PrefixError::Length { len: len.into(), max });
        }
        let network = Self { addr: mask(addr, len), len };
        if network.addr == addr { Ok(network) } else { Err(PrefixError::HostBits { network }) }
    }

    /// The block that holds just `addr`.
    pub fn host(addr: IpAddr) -> Self {
        Self { addr, len: family_bits(addr) }
    }

    /// The first address.
    pub const fn addr(self) -> IpAddr {
        self.addr
    }

    /// The number of leading bits that are fixed, in the address's own family.
    #[expect(clippy::len_without_is_empty, reason = "a prefix's length is not a container's")]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// Whether it holds a single address.
    pub fn is_host(self) -> bool {
        self.len == family_bits(self.addr)
    }

    /// Whether `addr` lies inside.
    pub fn contains(self, addr: IpAddr) -> bool {
        self.addr.is_ipv4() == addr.is_ipv4() && mask(addr, self.len) == self.addr
    }

    /// Whether the two blocks share an address: one of them holds the other.
    pub fn overlaps(self, other: Self) -> bool {
        if self.len <= other.len { self.contains(other.addr) } else { other.contains(self.addr) }
    }

    /// The block in IPv6 form, IPv4 mapped into `::ffff:0:0/96`, as the kernel maps key it.
    pub fn mapped(self) -> (Ipv6Addr, u8) {
        match self.addr {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped(), self.len + 96),
            IpAddr::V6(v6) => (v6, self.len),
        }
    }
}

fn family_bits(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

fn mask(addr: IpAddr, len: u8) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => {
            let kept = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & kept).into()
        }
        IpAddr::V6(v6) => {
            let kept = u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & kept).into()
        }
    }
}

impl Ord for IpPrefix {
    fn cmp(&self, other: &Self) -> Ordering {
        self.addr.cmp(&other.addr).then(self.len.cmp(&other.len))
    }
}

impl PartialOrd for IpPrefix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for IpPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() {
            f.pad(&self.addr.to_string())
        } else {
            f.pad(&format!("{}/{}", self.addr, self.len))
        }
    }
}

impl FromStr for IpPrefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let syntax = || PrefixError::Syntax(text.to_owned());
        let (addr, len) = match text.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| syntax())?;
        let max = family_bits(addr);
        let len = match len {
            None => max.into(),
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse::<u32>().map_err(|_| syntax())?
            }
            Some(_) => return Err(syntax()),
        };
        match u8::try_from(len) {
            Ok(len) => Self::new(addr, len),
            Err(_) => Err(PrefixError::Length { len, max }),
        }
    }
}

impl Serialize for IpPrefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for IpPrefix {
    fn schema_name() -> Cow<'static, str> {
        "IpPrefix".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$", "description": "An address block: an address and the length of its prefix."})
    }
}

impl<'de> Deserialize<'de> for IpPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> IpPrefix {
        text.parse().unwrap()
    }

    #[test]
    fn reads_hosts_and_blocks_of_both_families() {
        for text in ["10.0.0.0/8", "100.64.0.1", "0.0.0.0/0", "fdd7:b724:0:100::/56", "::1", "::/0"]
        {
            assert_eq!(prefix(text).to_string(), text);
        }
        assert_eq!(prefix("10.1.2.3/32").to_string(), "10.1.2.3");
    }

    #[test]
    fn names_what_is_wrong() {
        let why = |text: &str| text.parse::<IpPrefix>().unwrap_err();
        assert_eq!(why("10.0.0.1/24"), PrefixError::HostBits { network: prefix("10.0.0.0/24") });
        assert_eq!(why("10.0.0.0/33"), PrefixError::Length { len: 33, max: 32 });
        assert_eq!(why("10.0.0.0/300"), PrefixError::Length { len: 300, max: 32 });
        for bad in ["", "/", "10.0.0.0/", "10.0.0/8", "10.0.0.0/+8", "host", "10.0.0.0/8/8"] {
            assert!(matches!(why(bad), PrefixError::Syntax(_)), "{bad}");
        }
    }

    #[test]
    fn overlap_is_containment_either_way() {
        assert!(prefix("10.0.0.0/8").overlaps(prefix("10.2.0.0/16")));
        assert!(prefix("10.2.0.0/16").overlaps(prefix("10.0.0.0/8")));
        assert!(!prefix("10.0.0.0/8").overlaps(prefix("11.0.0.0/8")));
        assert!(!prefix("0.0.0.0/0").overlaps(prefix("::/0")));
        assert!(prefix("::/0").overlaps(prefix("2001:db8::1")));
    }
}
