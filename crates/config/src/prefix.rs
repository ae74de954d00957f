//! What makes an address block fit for a device or a range.

use std::net::{IpAddr, Ipv6Addr};

use units::IpPrefix;

/// Device blocks shorter than these are slips: they would take in other providers.
const DEVICE_LEN_MIN_V4: u8 = 8;
const DEVICE_LEN_MIN_V6: u8 = 16;

/// Whether the block is IPv6 and shares addresses with `::ffff:0:0/96`, under which the kernel's
/// table keeps IPv4.
pub(crate) fn touches_mapped_ipv4(prefix: IpPrefix) -> bool {
    match prefix.addr() {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => {
            let mapped: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
            v6.to_ipv4_mapped().is_some() || prefix.contains(mapped.into())
        }
    }
}

/// Why a device cannot have this block, with what to do about it.
pub(crate) fn unfit_for_device(prefix: IpPrefix) -> Option<(String, Option<String>)> {
    let addr = prefix.addr();
    let len_min = if addr.is_ipv4() { DEVICE_LEN_MIN_V4 } else { DEVICE_LEN_MIN_V6 };
    if let IpAddr::V6(v6) = addr
        && let Some(v4) = v6.to_ipv4_mapped()
        && prefix.len() >= 96
    {
        let v4 = IpPrefix::new(v4.into(), prefix.len() - 96).ok()?;
        let help = format!("write it in the IPv4 column as {v4}");
        return Some((format!("{prefix} is an IPv4 address in IPv6 form"), Some(help)));
    }
    if prefix.len() < len_min {
        return Some((
            format!("{prefix} is too large for one device; the shortest prefix is /{len_min}"),
            None,
        ));
    }
    if touches_mapped_ipv4(prefix) {
        return Some((format!("{prefix} covers the IPv4-mapped ::ffff:0:0/96"), None));
    }
    let broadcast = matches!(addr, IpAddr::V4(v4) if v4.is_broadcast());
    let why = match () {
        () if addr.is_unspecified() => "the unspecified address",
        () if addr.is_loopback() => "a loopback address",
        () if addr.is_multicast() => "a multicast address",
        () if broadcast => "the broadcast address",
        () => return None,
    };
    Some((format!("{prefix} is {why}, which no device can have"), None))
}

/// A set of blocks that answers whether one of them holds another block, in logarithmic time.
#[derive(Debug)]
pub(crate) struct RangeSet {
    /// Ascending and disjoint: what lies inside another was left out.
    outermost: Vec<IpPrefix>,
}

impl RangeSet {
    pub(crate) fn new(ranges: &[IpPrefix]) -> Self {
        let mut sorted = ranges.to_vec();
        sorted.sort_unstable();
        let mut outermost: Vec<IpPrefix> = Vec::new();
        for range in sorted {
            // ascending order puts a block before all that lie inside it
            if outermost.last().is_none_or(|last| !last.overlaps(range)) {
                outermost.push(range);
            }
        }
        Self { outermost }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.outermost.is_empty()
    }

    /// The block that holds all of `prefix`.
    pub(crate) fn holding(&self, prefix: IpPrefix) -> Option<IpPrefix> {
        let after = self.outermost.partition_point(|range| *range <= prefix);
        let range = *self.outermost.get(after.checked_sub(1)?)?;
        (range.len() <= prefix.len() && range.contains(prefix.addr())).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> IpPrefix {
        text.parse().unwrap()
    }

    #[test]
    fn ipv6_blocks_that_reach_into_mapped_ipv4_are_known() {
        for text in ["::/0", "::/64", "::/80", "::ffff:0:0/96", "::ffff:1.2.3.4"] {
            assert!(touches_mapped_ipv4(prefix(text)), "{text}");
        }
        for text in ["0.0.0.0/0", "::1", "::/96", "2001:db8::/32"] {
            assert!(!touches_mapped_ipv4(prefix(text)), "{text}");
        }
    }

    #[test]
    fn devices_have_unicast_blocks_of_sane_size() {
        for text in [
            "0.0.0.0/0",
            "10.0.0.0/7",
            "::/0",
            "::/80",
            "::ffff:10.0.0.1",
            "0.0.0.0",
            "127.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
            "::1",
            "::",
        ] {
            assert!(unfit_for_device(prefix(text)).is_some(), "{text}");
        }
        for text in ["10.0.0.0/8", "100.64.0.1", "2001:db8::/32", "fdd7:b724:0:100::/56"] {
            assert_eq!(unfit_for_device(prefix(text)), None, "{text}");
        }
    }

    #[test]
    fn a_set_finds_the_outermost_holder() {
        let set = RangeSet::new(&[prefix("10.1.0.0/16"), prefix("10.0.0.0/8"), prefix("fd00::/8")]);
        assert_eq!(set.holding(prefix("10.1.2.3")), Some(prefix("10.0.0.0/8")));
        assert_eq!(set.holding(prefix("10.0.0.0/8")), Some(prefix("10.0.0.0/8")));
        assert_eq!(set.holding(prefix("fd12::/64")), Some(prefix("fd00::/8")));
        for outside in ["8.0.0.0/6", "11.0.0.1", "9.255.255.255", "fe80::/10", "::1"] {
            assert_eq!(set.holding(prefix(outside)), None, "{outside}");
        }
    }
}
