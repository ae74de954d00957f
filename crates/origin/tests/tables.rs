//! Tab-separated files, plain and packed, and what is said about bad ones.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use origin::{BYTES_MAX, Origin, Origins, Table};

fn fixture(name: &str) -> PathBuf {
    Path::new("../../tests/origin").join(name)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `AS country name`, with a dash for what is not known.
fn shown(origin: &Origin) -> String {
    let asn = origin.asn.map_or("-".to_owned(), |asn| asn.to_string());
    let country = origin.country.map_or("-".to_owned(), |country| country.to_string());
    format!("{asn} {country} {}", origin.name.as_deref().unwrap_or("-"))
}

fn lookup(origins: &Origins, address: &str) -> String {
    shown(&origins.lookup(address.parse::<IpAddr>().unwrap()))
}

/// What is wrong with a file, without its folder.
fn refused(path: &Path) -> String {
    let problems = Table::load(path).unwrap_err();
    problems.to_string().replace(&format!("{}/", path.parent().unwrap().display()), "")
}

const COMBINED: [(&str, &str); 12] = [
    ("0.255.255.255", "- - -"),
    ("1.0.0.0", "64496 AU EXAMPLE-ANYCAST"),
    ("1.0.0.255", "64496 AU EXAMPLE-ANYCAST"),
    ("1.0.1.0", "- - -"),
    ("192.0.2.128", "64500 NL EXAMPLE-NL Ex\u{e4}mple B.V."),
    ("::ffff:192.0.2.128", "64500 NL EXAMPLE-NL Ex\u{e4}mple B.V."),
    ("192.0.3.0", "- - -"),
    ("255.255.255.255", "64511 - LAST"),
    ("2001:db8::", "64501 DE EXAMPLE-DE"),
    ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "64501 DE EXAMPLE-DE"),
    ("2001:db9::", "- - -"),
    ("::1", "- - -"),
];

#[test]
fn five_columns_plain_and_packed_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let plain = fixture("combined.tsv");
    let packed = folder.path().join("no-telling-name");
    let bytes = fs::read(&plain).unwrap();
    // two members, as `cat a.gz b.gz` makes them
    let (first, second) = bytes.split_at(60);
    fs::write(&packed, [gzip(first), gzip(second)].concat()).unwrap();
    for path in [plain, packed] {
        let loaded = Origins::load(&[&path]).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        for (address, expected) in COMBINED {
            assert_eq!(lookup(&loaded.origins, address), expected, "{address}");
        }
    }
}

#[test]
fn the_first_file_that_answers_a_question_counts() {
    let both = |first, second| Origins::load(&[fixture(first), fixture(second)]).unwrap().origins;
    let origins = both("country.tsv", "combined.tsv");
    for (address, expected) in [
        ("1.0.0.7", "64496 US EXAMPLE-ANYCAST"),
        ("192.0.2.1", "64500 BE EXAMPLE-NL Ex\u{e4}mple B.V."),
        ("192.0.2.128", "64500 NL EXAMPLE-NL Ex\u{e4}mple B.V."),
        ("198.51.100.1", "- - -"),
        ("2001:db8::1", "64501 FR EXAMPLE-DE"),
        ("2001:db8:1::", "64501 DE EXAMPLE-DE"),
    ] {
        assert_eq!(lookup(&origins, address), expected, "{address}");
    }
    let origins = both("combined.tsv", "country.tsv");
    assert_eq!(lookup(&origins, "192.0.2.1"), "64500 NL EXAMPLE-NL Ex\u{e4}mple B.V.");
    assert_eq!(lookup(&origins, "1.0.2.0"), "- US -");
}

#[test]
fn doubtful_lines_are_named_and_counted() {
    let path = fixture("doubtful.tsv");
    let loaded = Origins::load(&[&path]).unwrap();
    let said: Vec<String> = loaded
        .warnings
        .iter()
        .map(|problem| problem.to_string().replace(&*path.to_string_lossy(), "f"))
        .collect();
    assert_eq!(
        said,
        [
            "f:2: there are 1 fields between tabs, not 3 to 5; the line is left out",
            "f:5: the range ends before it starts; the line is left out",
            "f:6: one end is IPv4, the other IPv6; the line is left out",
            "f:7: \"x\\u{1b}[31m\" is not an AS number; the line is left out",
            "f:8: \"NLD\" is not a country code of two letters; the line is left out",
            "f: 2 more lines make no sense and are left out",
            "f:3: 2 ranges overlap others, the first here; the narrower counts, of equals the later",
        ]
    );
    for (address, expected) in [
        ("10.0.0.1", "64500 NL WIDE"),
        ("10.1.0.1", "64502 NL LATER"),
        ("10.2.0.0", "64500 NL WIDE"),
    ] {
        assert_eq!(lookup(&loaded.origins, address), expected, "{address}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert!(refused(&folder.path().join("none")).starts_with("none: could not be opened: No such"));
    let inner = folder.path().join("folder");
    fs::create_dir(&inner).unwrap();
    assert_eq!(refused(&inner), "folder: is not a regular file");
    let nothing = "says of no address where it belongs (0 lines make no sense)";
    assert_eq!(refused(&file("empty", b"")), format!("empty: {nothing}"));
    assert_eq!(
        refused(&file("zeros", b"1.0.0.0\t1.0.0.9\t0\tNone\tX")),
        format!("zeros: {nothing}")
    );
    let said = refused(&fixture("commas.csv"));
    assert!(said.starts_with("commas.csv:1: there are 1 fields"), "{said}");
    assert!(
        said.ends_with("commas.csv: says of no address where it belongs (2 lines make no sense)")
    );

    let packed = gzip(&fs::read(fixture("combined.tsv")).unwrap());
    for cut in [2, 9, 20, packed.len() - 1] {
        let said = refused(&file("cut", &packed[..cut]));
        assert!(said.starts_with("cut: is damaged gzip: "), "{cut}: {said}");
    }
    let bomb = gzip(&vec![b'\n'; 64 << 20]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let said = refused(&file("bomb", &bomb));
    assert!(said.starts_with("bomb: unpacks to more than 100 times its size"), "{said}");
    let huge = file("huge", b"");
    fs::File::options().write(true).open(&huge).unwrap().set_len(BYTES_MAX + 1).unwrap();
    assert_eq!(refused(&huge), format!("huge: holds more than {BYTES_MAX} bytes"));
}

#[test]
fn the_problems_of_all_files_come_together() {
    let paths = [fixture("none"), fixture("combined.tsv"), fixture("commas.csv")];
    let said = Origins::load(&paths).unwrap_err().to_string();
    assert!(said.contains("none: could not be opened") && said.contains("commas.csv:1:"), "{said}");
}

#[test]
fn no_files_know_nothing() {
    let origins = Origins::load::<PathBuf>(&[]).unwrap().origins;
    assert!(origins.is_empty());
    assert_eq!(lookup(&origins, "192.0.2.1"), "- - -");
}
