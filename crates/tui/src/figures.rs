//! Figures as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use units::{BitsPerSec, PerDirection};

/// In what rates are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Bits a second.
    #[default]
    Bits,
    /// Bytes a second.
    Bytes,
}

impl Unit {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Bits => Self::Bytes,
            Self::Bytes => Self::Bits,
        }
    }

    /// A measured rate with three significant digits: `155 Mbps`, `19.4 MB/s`.
    pub fn rate(self, bps: u64) -> String {
        match self {
            Self::Bits => rate(bps),
            Self::Bytes => format!("{}/s", bytes(bps / 8)),
        }
    }
}

/// A measured rate with three significant digits: `155 Mbps`, `1.23 Gbps`.
pub fn rate(bps: u64) -> String {
    BitsPerSec::new(three_digits(bps)).to_string()
}

/// A rate that somebody chose, in full.
pub fn exact_rate(bps: u64) -> String {
    BitsPerSec::new(bps).to_string()
}

/// A share of a limit.
pub fn percent(share: f32) -> String {
    if !share.is_finite() {
        "-".to_owned()
    } else if share < 9.95 {
        format!("{share:.1} %")
    } else {
        format!("{share:.0} %")
    }
}

/// A share, where there is one.
pub fn percent_of(share: Option<f32>) -> String {
    share.map_or_else(|| "-".to_owned(), percent)
}

/// An RTT in milliseconds with three significant digits, two places at most: `12.3 ms`.
pub fn milliseconds(us: Option<u64>) -> String {
    match us {
        None => "-".to_owned(),
        Some(us @ 0..9_995) => format!("{:.2} ms", us as f64 / 1e3),
        Some(us @ 9_995..99_950) => format!("{:.1} ms", us as f64 / 1e3),
        Some(us) => format!("{} ms", count(us.saturating_add(500) / 1_000)),
    }
}

/// The name of an IP protocol, where it has a well-known one.
pub fn protocol(number: u8) -> String {
    match number {
        1 => "ICMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        58 => "ICMPv6".to_owned(),
        other => other.to_string(),
    }
}

/// Two figures, downloads first.
pub fn pair<T>(values: PerDirection<T>, show: impl Fn(T) -> String) -> String {
    format!("{} / {}", show(values.down), show(values.up))
}

/// Both directions together.
pub fn sum(values: PerDirection<u64>) -> u64 {
    values.down.saturating_add(values.up)
}

/// A number with its thousands apart: `70,000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// So many of what `one` is the name of: `1 circuit`, `70,000 circuits`.
pub fn counted(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// An amount of data with three significant digits, in powers of ten: `1.23 MB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 5] = [
        ("PB", 1_000_000_000_000_000),
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1_000),
    ];
    let n = three_digits(n);
    match UNITS.into_iter().find(|(_, size)| n >= *size) {
        Some((unit, size)) => format!("{} {unit}", n as f64 / size as f64),
        None => format!("{n} B"),
    }
}

/// A moment in this machine's time zone, from milliseconds since 1970-01-01 00:00 UTC: `2026-11-27 10:53:20`.
pub fn date(unix_ms: u64) -> String {
    date_in(&TimeZone::system(), unix_ms)
}

/// A moment in a time zone, from milliseconds since 1970-01-01 00:00 UTC.
pub fn date_in(zone: &TimeZone, unix_ms: u64) -> String {
    let moment = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.map_or_else(
        || "-".to_owned(),
        |moment| moment.to_zoned_datetime(zone.clone()).strftime("%F %T").to_string(),
    )
}

/// A length of time in its two largest units: `2 h 5 min`, `1 min`.
pub fn duration(ms: u64) -> String {
    let s = ms / 1_000;
    let (large, small) = match s {
        0..60 => return format!("{s} s"),
        60..3_600 => ((s / 60, "min"), (s % 60, "s")),
        3_600..86_400 => ((s / 3_600, "h"), (s / 60 % 60, "min")),
        _ => ((s / 86_400, "d"), (s / 3_600 % 24, "h")),
    };
    match small {
        (0, _) => format!("{} {}", large.0, large.1),
        (n, unit) => format!("{} {} {n} {unit}", large.0, large.1),
    }
}

/// The number with all but its first three digits rounded away.
fn three_digits(n: u64) -> u64 {
    let mut unit = 1;
    while n / unit >= 1_000 {
        unit *= 10;
    }
    n.saturating_add(unit / 2) / unit * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_figures_have_three_digits() {
        for (bps, shown) in [
            (0, "0 bps"),
            (999, "999 bps"),
            (1_234, "1.23 kbps"),
            (999_999, "1 Mbps"),
            (154_937_222, "155 Mbps"),
            (2_345_000_000, "2.35 Gbps"),
        ] {
            assert_eq!(rate(bps), shown);
        }
        assert_eq!(exact_rate(154_937_000), "154.937 Mbps");
        assert!(rate(u64::MAX).ends_with("Tbps"));
    }

    #[test]
    fn counts_amounts_and_times_are_short() {
        assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
        let counted = [0, 1, 70_000].map(|n| counted(n, "circuit"));
        assert_eq!(counted, ["0 circuits", "1 circuit", "70,000 circuits"]);
        assert_eq!([bytes(999), bytes(1_234_567), bytes(60_000)], ["999 B", "1.23 MB", "60 kB"]);
        assert_eq!(
            [
                duration(999),
                duration(60_500),
                duration(61_000),
                duration(7_500_000),
                duration(90_000_000)
            ],
            ["0 s", "1 min", "1 min 1 s", "2 h 5 min", "1 d 1 h"]
        );
    }

    #[test]
    fn round_trips_are_in_milliseconds() {
        let shown = [0, 65, 9_994, 12_345, 99_949, 300_400, 1_500_000].map(Some).map(milliseconds);
        let expected =
            ["0.00 ms", "0.07 ms", "9.99 ms", "12.3 ms", "99.9 ms", "300 ms", "1,500 ms"];
        assert_eq!(shown, expected);
        assert_eq!(milliseconds(None), "-");
    }

    #[test]
    fn shares_stay_readable_when_they_are_small_or_no_number() {
        assert_eq!(
            [percent(0.04), percent(9.94), percent(99.5), percent(f32::NAN)],
            ["0.0 %", "9.9 %", "100 %", "-"]
        );
    }
}
