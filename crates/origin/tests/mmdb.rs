//! MMDB files of several makers, and damaged ones.

mod mmdb_writer;

use std::fs;
use std::net::IpAddr;

use mmdb_writer::{Value, mmdb};
use origin::Table;
use proptest::collection::vec;
use proptest::prelude::*;

use Value::{Map, Number, Text, Texts};

fn table(bytes: &[u8]) -> Result<Table, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    Table::load(&path)
        .map(|(table, warnings)| {
            assert!(warnings.is_empty(), "{warnings:?}");
            table
        })
        .map_err(|problems| problems.to_string())
}

fn shown(table: &Table, address: &str) -> String {
    let origin = table.lookup(address.parse::<IpAddr>().unwrap());
    let asn = origin.asn.map_or("-".to_owned(), |asn| asn.to_string());
    let country = origin.country.map_or("-".to_owned(), |country| country.to_string());
    format!("{asn} {country} {}", origin.name.as_deref().unwrap_or("-"))
}

/// Records as GeoLite2, IPinfo and DB-IP have them, and odd ones.
fn prefixes() -> Vec<(&'static str, Value)> {
    vec![
        (
            "1.0.0.0/24",
            Map(vec![
                ("autonomous_system_number", Number(64_496)),
                ("autonomous_system_organization", Text("Anycast, Inc.")),
            ]),
        ),
        (
            "1.0.1.0/24",
            Map(vec![
                ("city", Map(vec![("names", Map(vec![("en", Text("Perth"))]))])),
                ("country", Map(vec![("geoname_id", Number(7)), ("iso_code", Text("AU"))])),
                ("subdivisions", Texts(vec!["WA"])),
            ]),
        ),
        (
            "1.0.2.0/24",
            Map(vec![
                ("asn", Text("AS64497")),
                ("as_name", Text("Lite")),
                ("country", Text("Netherlands")),
                ("country_code", Text("NL")),
            ]),
        ),
        (
            "1.0.3.0/25",
            Map(vec![("asn", Number(64_498)), ("name", Text("Old")), ("country", Text("de"))]),
        ),
        ("1.0.3.128/25", Map(vec![("asn", Texts(vec!["?"])), ("country_code", Text("ZZ"))])),
        ("255.0.0.0/8", Map(vec![("country_code", Text("US"))])),
    ]
}

#[test]
fn records_of_several_makers_are_understood() {
    for (ip_version, record_bits) in [(4, 24), (6, 24), (6, 28), (6, 32)] {
        let mut prefixes = prefixes();
        if ip_version == 6 {
            let six = |code| Map(vec![("country_code", Text(code))]);
            prefixes.extend([
                ("2001:db8::/32", six("FR")),
                ("2000::/16", six("IT")),
                ("2800::/5", six("BR")),
                ("2002::/16", six("XX")),
                ("fc00::/7", six("XX")),
            ]);
        }
        let table = table(&mmdb(ip_version, record_bits, &prefixes)).unwrap();
        for (address, expected) in [
            ("0.0.0.0", "- - -"),
            ("1.0.0.0", "64496 - Anycast, Inc."),
            ("1.0.0.255", "64496 - Anycast, Inc."),
            ("1.0.1.1", "- AU -"),
            ("1.0.2.1", "64497 NL Lite"),
            ("1.0.3.127", "64498 DE Old"),
            ("1.0.3.128", "- - -"),
            ("1.0.4.0", "- - -"),
            ("255.255.255.255", "- US -"),
            ("::ffff:1.0.1.1", "- AU -"),
        ] {
            assert_eq!(shown(&table, address), expected, "{address}");
        }
        let of_six = [
            ("2000::", "- IT -"),
            ("2000:ffff::1", "- IT -"),
            ("2001:db8::1", "- FR -"),
            ("2001:db9::", "- - -"),
            ("27ff::", "- - -"),
            ("2fff:ffff::", "- BR -"),
            ("3000::", "- - -"),
            ("2002::1", "- - -"),
            ("fc00::1", "- - -"),
        ];
        for (address, expected) in of_six.into_iter().filter(|_| ip_version == 6) {
            assert_eq!(shown(&table, address), expected, "{address}");
        }
    }
}

#[test]
fn neighbours_with_one_answer_become_one_span() {
    let nl = || Map(vec![("country_code", Text("NL"))]);
    let table = table(&mmdb(4, 24, &[("10.0.0.0/9", nl()), ("10.128.0.0/9", nl())])).unwrap();
    assert_eq!(table.spans(), 2);
}

#[test]
fn a_prefix_above_all_of_ipv4_holds_it() {
    let table = table(&mmdb(6, 24, &[("::/3", Map(vec![("asn", Number(7))]))])).unwrap();
    assert_eq!(shown(&table, "0.0.0.0"), "7 - -");
    assert_eq!(shown(&table, "255.255.255.255"), "7 - -");
}

#[test]
fn a_tree_that_leads_back_into_itself_ends() {
    // both branches of the one node lead to it: a /32 for each address, none of them known
    let mut bytes = mmdb(4, 24, &[("0.0.0.0/1", Number(1))]);
    bytes[..6].fill(0);
    let said = table(&bytes).unwrap_err();
    assert!(said.ends_with("is an MMDB whose tree leads back into itself"), "{said}");
}

#[test]
fn a_cut_file_is_refused() {
    let bytes = mmdb(6, 28, &prefixes());
    for cut in (0..bytes.len()).step_by(7) {
        assert!(table(&bytes[..cut]).is_err(), "{cut}");
    }
    let headless = &bytes[40..];
    assert!(table(headless).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_break_the_reader(
        edits in vec((0.0..1.0, any::<u8>()), 1..6),
        record_bits in prop_oneof![Just(24_u16), Just(28), Just(32)],
    ) {
        let mut bytes = mmdb(4, record_bits, &prefixes());
        let len = bytes.len() as f64;
        for (share, byte) in edits {
            bytes[(len * share) as usize] = byte;
        }
        if let Ok(table) = table(&bytes) {
            for address in ["1.0.0.0", "1.0.3.128", "255.255.255.255"] {
                table.lookup(address.parse().unwrap());
            }
        }
    }
}
