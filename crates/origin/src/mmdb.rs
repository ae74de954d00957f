//! MMDB files (maxmind.github.io/MaxMind-DB): a binary tree from prefixes to records.
//!
//! Records of several makers are understood by the names of their fields; each distinct record is
//! decoded once. The tree is turned into ranges, so that look-ups cost the same for all formats. It
//! is walked by asking for one address after the other, each just behind the prefix of the answer
//! before, because that is bounded whatever the tree says: it may be damaged, or lead back into
//! itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader};

use crate::answer::{AnswerId, CountryCode, parse_asn};
use crate::problem::Trouble;
use crate::table::Builder;

/// What stands before the description of the file, in its last 128 KiB.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
const MARKER_WITHIN: usize = 128 * 1024;

/// The most prefixes that are looked at, known or not, for each node of the tree. A tree has one more
/// leaf than nodes; this allows for branches that are shared.
const STEPS_PER_NODE: u64 = 8;

/// The IPv6 addresses that are given out (2000::/3), without Teredo (2001::/32) and 6to4 (2002::/16):
/// files repeat their IPv4 tree there.
const V6: [(Ipv6Addr, Ipv6Addr); 3] = [
    (v6(0x2000, 0), v6_last(0x2000, 0xffff)),
    (v6(0x2001, 1), v6_last(0x2001, 0xffff)),
    (v6(0x2003, 0), v6_last(0x3fff, 0xffff)),
];

const fn v6(first: u16, second: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)
}

const fn v6_last(first: u16, second: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff)
}

/// Whether these bytes are an MMDB.
pub(crate) fn is_mmdb(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(MARKER_WITHIN)..];
    tail.windows(MARKER.len()).any(|window| window == MARKER)
}

/// Reads the whole tree.
pub(crate) fn read(bytes: &[u8], builder: &mut Builder) -> Result<(), Trouble> {
    let reader = Reader::from_source(bytes).map_err(Trouble::Mmdb)?;
    let mut records = Records::default();
    walk_v4(&reader, &mut records, builder)?;
    if reader.metadata().ip_version == 6 {
        for (first, last) in V6 {
            walk_v6(&reader, (first.to_bits(), last.to_bits()), &mut records, builder)?;
        }
    }
    Ok(())
}

fn walk_v4(
    reader: &Reader<&[u8]>,
    records: &mut Records,
    builder: &mut Builder,
) -> Result<(), Trouble> {
    let mut next = Some(0);
    for _ in 0..steps_max(reader) {
        let Some(at) = next else { return Ok(()) };
        let found = reader.lookup(IpAddr::V4(Ipv4Addr::from_bits(at))).map_err(Trouble::Mmdb)?;
        let network = found.network().map_err(Trouble::Mmdb)?;
        // an IPv6 prefix is a short one that holds all of IPv4
        let bits = if network.is_ipv4() { network.prefix() } else { 0 };
        let end = at | u32::MAX.checked_shr(bits.into()).unwrap_or(0);
        let answer = records.answer(&found, builder)?;
        if answer != AnswerId::NOTHING {
            builder.append_v4(at, end, answer)?;
        }
        next = end.checked_add(1);
    }
    Err(Trouble::Endless)
}

fn walk_v6(
    reader: &Reader<&[u8]>,
    (first, last): (u128, u128),
    records: &mut Records,
    builder: &mut Builder,
) -> Result<(), Trouble> {
    let mut at = first;
    for _ in 0..steps_max(reader) {
        let found = reader.lookup(IpAddr::V6(Ipv6Addr::from_bits(at))).map_err(Trouble::Mmdb)?;
        let bits = found.network().map_err(Trouble::Mmdb)?.prefix();
        let end = (at | u128::MAX.checked_shr(bits.into()).unwrap_or(0)).min(last);
        let answer = records.answer(&found, builder)?;
        if answer != AnswerId::NOTHING {
            builder.append_v6(at, end, answer)?;
        }
        if end == last {
            return Ok(());
        }
        at = end + 1;
    }
    Err(Trouble::Endless)
}

fn steps_max(reader: &Reader<&[u8]>) -> u64 {
    STEPS_PER_NODE * (u64::from(reader.metadata().node_count) + 1)
}

/// What the records say, by their places in the file.
#[derive(Default)]
struct Records(HashMap<usize, AnswerId>);

type Found<'r> = LookupResult<'r, &'r [u8]>;

impl Records {
    fn answer<'r>(
        &mut self,
        found: &LookupResult<'r, &'r [u8]>,
        builder: &mut Builder,
    ) -> Result<AnswerId, Trouble> {
        let Some(offset) = found.offset() else { return Ok(AnswerId::NOTHING) };
        if let Some(answer) = self.0.get(&offset) {
            return Ok(*answer);
        }
        let answer = builder.answers.id(asn(found)?, country(found)?, name(found)?);
        self.0.insert(offset, answer);
        Ok(answer)
    }
}

fn asn(found: &Found<'_>) -> Result<Option<u32>, Trouble> {
    for key in ["autonomous_system_number", "asn"] {
        let path = [PathElement::Key(key)];
        if let Some(number) = usable(found.decode_path::<u32>(&path))? {
            return Ok(Some(number));
        }
        if let Some(number) = usable(found.decode_path::<&str>(&path))?.and_then(parse_asn) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

fn name<'r>(found: &Found<'r>) -> Result<Option<&'r str>, Trouble> {
    for key in ["autonomous_system_organization", "as_name", "name"] {
        if let Some(name) = usable(found.decode_path::<&str>(&[PathElement::Key(key)]))? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn country(found: &Found<'_>) -> Result<Option<CountryCode>, Trouble> {
    use PathElement::Key;
    let paths: [&[PathElement<'_>]; 3] =
        [&[Key("country"), Key("iso_code")], &[Key("country_code")], &[Key("country")]];
    for path in paths {
        let text = usable(found.decode_path::<&str>(path))?;
        if let Some(code) = text.filter(|text| *text != "ZZ").and_then(CountryCode::new) {
            return Ok(Some(code));
        }
    }
    Ok(None)
}

/// A field of another type than is looked for is as good as none; other makers have other types.
fn usable<T>(found: Result<Option<T>, MaxMindDbError>) -> Result<Option<T>, Trouble> {
    match found {
        Err(MaxMindDbError::Decoding { .. }) => Ok(None),
        other => other.map_err(Trouble::Mmdb),
    }
}
