//! Writes small MMDB files (maxmind.github.io/MaxMind-DB), so that none has to be shipped.

use std::net::IpAddr;

/// A value of a record.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(&'static str),
    Number(u32),
    Map(Vec<(&'static str, Value)>),
    Texts(Vec<&'static str>),
}

/// A file with these prefixes, which do not overlap, and their records.
pub(crate) fn mmdb(ip_version: u16, record_bits: u16, prefixes: &[(&str, Value)]) -> Vec<u8> {
    let mut tree = vec![[Branch::Nothing; 2]];
    let mut data = Vec::new();
    for (prefix, value) in prefixes {
        let (bits, length) = path(prefix, ip_version);
        insert(&mut tree, bits, length, Branch::Data(data.len()));
        encode(value, &mut data);
    }
    let mut file = Vec::new();
    for [left, right] in &tree {
        let [left, right] = [left, right].map(|branch| branch.number(tree.len()));
        match record_bits {
            24 => {
                file.extend(&left.to_be_bytes()[1..]);
                file.extend(&right.to_be_bytes()[1..]);
            }
            28 => {
                file.extend(&left.to_be_bytes()[1..]);
                file.push((left >> 20) as u8 & 0xf0 | (right >> 24) as u8);
                file.extend(&right.to_be_bytes()[1..]);
            }
            _ => {
                file.extend(left.to_be_bytes());
                file.extend(right.to_be_bytes());
            }
        }
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    describe(ip_version, record_bits, tree.len() as u32, &mut file);
    file
}

#[derive(Clone, Copy, Debug)]
enum Branch {
    Nothing,
    Node(usize),
    Data(usize),
}

impl Branch {
    fn number(self, nodes: usize) -> u32 {
        match self {
            Self::Nothing => nodes as u32,
            Self::Node(index) => index as u32,
            Self::Data(offset) => (nodes + 16 + offset) as u32,
        }
    }
}

/// The prefix as bits from the top of an u128, and how many. IPv4 lies under ::/96 of IPv6.
fn path(prefix: &str, ip_version: u16) -> (u128, u32) {
    let (address, length) = prefix.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    match address.parse().unwrap() {
        IpAddr::V4(v4) if ip_version == 6 => (u128::from(v4.to_bits()), length + 96),
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, length),
        IpAddr::V6(v6) => (v6.to_bits(), length),
    }
}

fn insert(tree: &mut Vec<[Branch; 2]>, bits: u128, length: u32, leaf: Branch) {
    let mut node = 0;
    for depth in 0..length {
        let side = (bits >> (127 - depth)) as usize & 1;
        if depth == length - 1 {
            tree[node][side] = leaf;
            return;
        }
        node = match tree[node][side] {
            Branch::Node(next) => next,
            _ => {
                tree.push([Branch::Nothing; 2]);
                tree[node][side] = Branch::Node(tree.len() - 1);
                tree.len() - 1
            }
        };
    }
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            control(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(number) => {
            control(6, 4, out);
            out.extend(number.to_be_bytes());
        }
        Value::Map(entries) => {
            control(7, entries.len(), out);
            for (key, value) in entries {
                encode(&Value::Text(key), out);
                encode(value, out);
            }
        }
        Value::Texts(texts) => {
            control(11, texts.len(), out);
            for text in texts {
                encode(&Value::Text(text), out);
            }
        }
    }
}

/// The byte that says type and size, with those that extend it.
fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    assert!(size < 29 + 256);
    let short = size.min(29) as u8;
    out.push(if kind > 7 { short } else { kind << 5 | short });
    if kind > 7 {
        out.push(kind - 7);
    }
    if short == 29 {
        out.push((size - 29) as u8);
    }
}

fn describe(ip_version: u16, record_bits: u16, nodes: u32, out: &mut Vec<u8>) {
    let number = |value: u16, out: &mut Vec<u8>| {
        control(5, 2, out);
        out.extend(value.to_be_bytes());
    };
    let key = |key: &'static str, out: &mut Vec<u8>| encode(&Value::Text(key), out);
    control(7, 9, out);
    for (name, value) in [
        ("binary_format_major_version", 2),
        ("binary_format_minor_version", 0),
        ("ip_version", ip_version),
        ("record_size", record_bits),
    ] {
        key(name, out);
        number(value, out);
    }
    key("node_count", out);
    encode(&Value::Number(nodes), out);
    key("build_epoch", out);
    control(9, 8, out);
    out.extend(1_700_000_000_u64.to_be_bytes());
    key("database_type", out);
    encode(&Value::Text("Test"), out);
    key("description", out);
    encode(&Value::Map(vec![("en", Value::Text("made by a test"))]), out);
    key("languages", out);
    encode(&Value::Texts(vec!["en"]), out);
}
