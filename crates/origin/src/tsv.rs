//! Tab-separated ranges, as iptoasn.com writes them.
//!
//! Five fields: start, end, AS number, country code, name. Four are these without the name, three
//! are start, end and either a country code or an AS number. Addresses are IPv4 or IPv6 text, or
//! IPv4 as a decimal number. Empty lines and those that begin with `#` say nothing.

use std::net::{IpAddr, Ipv4Addr};

use crate::answer::{AnswerId, CountryCode, is_no_country, parse_asn};
use crate::problem::{LineTrouble, Report, Trouble};
use crate::spans::Range;
use crate::table::Builder;

/// Lines that make no sense and are named; the others are counted.
const BAD_LINES_TOLD: u64 = 5;

/// The most bytes of a line. Names are the only part without a length of their own.
const LINE_MAX: usize = 4_096;

/// The most characters of a wrong field that are shown.
const SHOWN_MAX: usize = 40;

/// Reads all lines; tells how many make no sense.
///
/// # Errors
/// When there are too many ranges.
pub(crate) fn read(
    bytes: &[u8],
    builder: &mut Builder,
    report: &mut Report,
) -> Result<u64, Trouble> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut bad = 0;
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u32..) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match parse(line, builder) {
            Ok((ends, answer)) => add(ends, answer, number, builder)?,
            Err(why) => {
                bad += 1;
                if bad <= BAD_LINES_TOLD {
                    report.push(Some(number), Trouble::Line(why));
                }
            }
        }
    }
    if bad > BAD_LINES_TOLD {
        report.push(None, Trouble::MoreLines(bad - BAD_LINES_TOLD));
    }
    Ok(bad)
}

/// Start and end of one family, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    V4(u32, u32),
    V6(u128, u128),
}

fn add(ends: Ends, answer: AnswerId, line: u32, builder: &mut Builder) -> Result<(), Trouble> {
    match ends {
        Ends::V4(start, end) => builder.v4(Range { start, end, answer, line }),
        Ends::V6(start, end) => builder.v6(Range { start, end, answer, line }),
    }
}

fn parse(line: &[u8], builder: &mut Builder) -> Result<(Ends, AnswerId), LineTrouble> {
    if line.len() > LINE_MAX {
        return Err(LineTrouble::TooLong(LINE_MAX));
    }
    // names may be in any encoding; what is not UTF-8 in them is replaced
    let line = String::from_utf8_lossy(line);
    let fields: Vec<&str> = line.splitn(5, '\t').map(str::trim).collect();
    let (ends, answer) = match fields[..] {
        [start, end, what] if what.starts_with(|c: char| c.is_ascii_digit()) => {
            let asn = asn(what)?;
            (ends(start, end)?, builder.answers.id(Some(asn), None, None))
        }
        [start, end, what] => {
            let country = country(what)?;
            (ends(start, end)?, builder.answers.id(None, country, None))
        }
        [start, end, number, code] => {
            let (ends, asn, country) = (ends(start, end)?, asn(number)?, country(code)?);
            (ends, builder.answers.id(Some(asn), country, None))
        }
        [start, end, number, code, name] => {
            let (ends, asn, country) = (ends(start, end)?, asn(number)?, country(code)?);
            (ends, builder.answers.id(Some(asn), country, Some(name)))
        }
        _ => return Err(LineTrouble::Fields(fields.len())),
    };
    Ok((ends, answer))
}

fn ends(start: &str, end: &str) -> Result<Ends, LineTrouble> {
    let ends = match (address(start)?, address(end)?) {
        (IpAddr::V4(start), IpAddr::V4(end)) => Ends::V4(start.to_bits(), end.to_bits()),
        (IpAddr::V6(start), IpAddr::V6(end)) => {
            match (start.to_ipv4_mapped(), end.to_ipv4_mapped()) {
                (Some(start), Some(end)) => Ends::V4(start.to_bits(), end.to_bits()),
                _ => Ends::V6(start.to_bits(), end.to_bits()),
            }
        }
        _ => return Err(LineTrouble::Families),
    };
    match ends {
        Ends::V4(start, end) if start > end => Err(LineTrouble::Backwards),
        Ends::V6(start, end) if start > end => Err(LineTrouble::Backwards),
        ends => Ok(ends),
    }
}

fn address(text: &str) -> Result<IpAddr, LineTrouble> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    let v4 = number.map(|number| IpAddr::V4(Ipv4Addr::from_bits(number)));
    v4.ok_or_else(|| LineTrouble::Address(shown(text)))
}

fn asn(text: &str) -> Result<u32, LineTrouble> {
    parse_asn(text).ok_or_else(|| LineTrouble::Asn(shown(text)))
}

fn country(text: &str) -> Result<Option<CountryCode>, LineTrouble> {
    if is_no_country(text) {
        return Ok(None);
    }
    CountryCode::new(text).map(Some).ok_or_else(|| LineTrouble::Country(shown(text)))
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Ends, LineTrouble> {
        parse(line.as_bytes(), &mut Builder::new()).map(|(ends, _)| ends)
    }

    #[test]
    fn ends_are_written_in_several_ways() {
        let v4 = Ok(Ends::V4(0x0100_0000, 0x0100_00ff));
        for line in [
            "1.0.0.0\t1.0.0.255\t13335\tUS\tNAME",
            "16777216\t16777471\tAS13335\tUS",
            "::ffff:1.0.0.0\t::ffff:1.0.0.255\tus",
            " 1.0.0.0 \t 1.0.0.255 \t 7 ",
        ] {
            assert_eq!(parsed(line), v4, "{line}");
        }
        assert_eq!(parsed("::1\t::2\tNone"), Ok(Ends::V6(1, 2)));
    }

    #[test]
    fn what_is_wrong_in_a_line_is_said() {
        let text = |text: &str| text.to_owned();
        for (line, why) in [
            ("1.0.0.0", LineTrouble::Fields(1)),
            ("1.0.0.0\t1.0.0.1", LineTrouble::Fields(2)),
            ("1.0.0\t1.0.0.1\tUS", LineTrouble::Address(text("1.0.0"))),
            ("1.0.0.0\t4294967296\tUS", LineTrouble::Address(text("4294967296"))),
            ("\t1.0.0.1\tUS", LineTrouble::Address(text(""))),
            ("1.0.0.0\t::1\tUS", LineTrouble::Families),
            ("1.0.0.1\t1.0.0.0\tUS", LineTrouble::Backwards),
            ("1.0.0.0\t1.0.0.1\tx\tUS\tN", LineTrouble::Asn(text("x"))),
            ("1.0.0.0\t1.0.0.1\t4294967296\tUS\tN", LineTrouble::Asn(text("4294967296"))),
            ("1.0.0.0\t1.0.0.1\t1\tUSA\tN", LineTrouble::Country(text("USA"))),
            (
                &format!("1.0.0.0\t1.0.0.1\t{}", "U".repeat(50)),
                LineTrouble::Country("U".repeat(40)),
            ),
            (&"1".repeat(5_000), LineTrouble::TooLong(4_096)),
        ] {
            assert_eq!(parsed(line), Err(why), "{line}");
        }
    }
}
