//! Bit rates.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rate in bits per second.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct BitsPerSec(u64);

/// Why a text or number is not a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateError {
    /// No unit follows the number.
    NoUnit(String),
    /// The unit is none of bps, kbps, Mbps, Gbps, Tbps.
    Unit(String),
    /// No finite, non-negative decimal number, or one beyond 2^64.
    Number(String),
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUnit(text) => {
                write!(f, "{text:?} has no unit; write it like \"850 Mbps\" or \"2.5 Gbps\"")
            }
            Self::Unit(unit) => {
                write!(f, "{unit:?} is not a unit of rate; use bps, kbps, Mbps, Gbps or Tbps")
            }
            Self::Number(text) => write!(f, "{text:?} is not a number of bits per second"),
        }
    }
}

impl std::error::Error for RateError {}

const UNITS: [(&str, u64); 5] = [
    ("Tbps", 1_000_000_000_000),
    ("Gbps", 1_000_000_000),
    ("Mbps", 1_000_000),
    ("kbps", 1_000),
    ("bps", 1),
];

impl BitsPerSec {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);

    /// The rate of `n` bits per second.
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The rate of `n` whole megabits per second.
    pub const fn from_mbps(n: u64) -> Self {
        Self(n * 1_000_000)
    }

    /// The rate of a decimal number of megabits per second, to the nearest bit.
    ///
    /// # Errors
    /// When the number is negative, not finite or too large.
    pub fn from_mbps_decimal(mbps: f64) -> Result<Self, RateError> {
        let bits = (mbps * 1e6).round();
        if bits.is_finite() && (0.0..1.8e19).contains(&bits) {
            Ok(Self(bits as u64))
        } else {
            Err(RateError::Number(format!("{mbps} Mbps")))
        }
    }

    /// Bits per second.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whole bytes per second, as the kernel counts rates.
    pub const fn bytes_per_sec(self) -> u64 {
        self.0 / 8
    }

    /// Megabits per second, for screens and ratios.
    pub fn mbps(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The rate scaled by `percent` hundredths, rounded down, saturating.
    pub const fn percent(self, percent: u64) -> Self {
        let scaled = self.0 as u128 * percent as u128 / 100;
        Self(if scaled > u64::MAX as u128 { u64::MAX } else { scaled as u64 })
    }
}

impl Add for BitsPerSec {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for BitsPerSec {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for BitsPerSec {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for BitsPerSec {
    /// The largest unit that leaves at least 1 before the point, with up to three decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) =
            UNITS.into_iter().find(|(_, size)| self.0 >= *size).unwrap_or(("bps", 1));
        let whole = format!("{:.3}", self.0 as f64 / size as f64);
        let short = whole.trim_end_matches('0').trim_end_matches('.');
        f.pad(&format!("{short} {unit}"))
    }
}

impl FromStr for BitsPerSec {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let text = text.trim();
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = (text[..split].trim(), text[split..].trim());
        let bad_number = || RateError::Number(text.to_owned());
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !number.is_empty();
        if !plain {
            return Err(bad_number());
        }
        if unit.is_empty() {
            return Err(RateError::NoUnit(text.to_owned()));
        }
        let size = UNITS
            .into_iter()
            .find_map(|(name, size)| name.eq_ignore_ascii_case(unit).then_some(size))
            .ok_or_else(|| RateError::Unit(unit.to_owned()))?;
        let value: f64 = number.parse().map_err(|_| bad_number())?;
        Self::from_mbps_decimal(value * size as f64 / 1e6).map_err(|_| bad_number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_number_with_its_unit() {
        for (text, bits) in [
            ("850 Mbps", 850_000_000),
            ("2.5 Gbps", 2_500_000_000),
            ("64kbps", 64_000),
            ("0.01 mbps", 10_000),
            ("9600 bps", 9_600),
        ] {
            assert_eq!(text.parse(), Ok(BitsPerSec::new(bits)), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_be_misread() {
        let why = |text: &str| text.parse::<BitsPerSec>().unwrap_err();
        assert!(matches!(why("850"), RateError::NoUnit(_)));
        assert!(matches!(why("850 MB/s"), RateError::Unit(_)));
        assert!(matches!(why("850 Mibps"), RateError::Unit(_)));
        for bad in ["", "Mbps", "-1 Mbps", "1e3 Mbps", "1.2.3 Mbps", "99999999999 Tbps", "inf bps"]
        {
            assert!(matches!(why(bad), RateError::Number(_) | RateError::Unit(_)), "{bad}");
        }
    }

    #[test]
    fn is_shown_short() {
        for (bits, text) in [
            (0, "0 bps"),
            (999, "999 bps"),
            (1_500, "1.5 kbps"),
            (155_000_000, "155 Mbps"),
            (2_500_000_000, "2.5 Gbps"),
        ] {
            assert_eq!(BitsPerSec::new(bits).to_string(), text);
        }
    }
}
