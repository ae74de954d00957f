//! Sets of CPUs, as the kernel writes them: lists like `0-3,6` and masks like `ff,00000001`.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::CpuId;

/// The largest CPU number that is believed; the kernel has 8,192 at most.
const CPU_MAX: u16 = 8191;

/// CPUs, ascending; read and shown as a list like `0-3,6`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct CpuSet(BTreeSet<u16>);

/// A text is no set of CPUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no list of CPUs")]
pub struct NoCpuSet(String);

impl CpuSet {
    /// Reads a mask in hexadecimal, words of 32 bits from the highest down, separated by commas.
    pub fn from_mask(mask: &str) -> Option<Self> {
        let words: Vec<&str> = mask.trim().split(',').collect();
        let mut cpus = BTreeSet::new();
        for (index, word) in words.iter().rev().enumerate() {
            let word = u32::from_str_radix(word, 16).ok()?;
            let first = u16::try_from(index * 32).ok().filter(|first| *first <= CPU_MAX)?;
            cpus.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| first + bit));
        }
        Some(Self(cpus))
    }

    /// The mask of the set, as [`Self::from_mask`] reads it.
    pub fn to_mask(&self) -> String {
        let words = self.0.last().map_or(1, |last| usize::from(last / 32) + 1);
        let mut mask = vec![0_u32; words];
        for cpu in &self.0 {
            mask[words - 1 - usize::from(cpu / 32)] |= 1 << (cpu % 32);
        }
        mask.iter().map(|word| format!("{word:08x}")).collect::<Vec<_>>().join(",")
    }

    /// The CPUs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = CpuId> + '_ {
        self.0.iter().map(|cpu| CpuId::new(*cpu))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<CpuId> for CpuSet {
    fn from_iter<I: IntoIterator<Item = CpuId>>(cpus: I) -> Self {
        Self(cpus.into_iter().map(CpuId::get).collect())
    }
}

impl FromStr for CpuSet {
    type Err = NoCpuSet;

    fn from_str(list: &str) -> Result<Self, NoCpuSet> {
        let number = |text: &str| {
            let number = text.parse::<u16>().ok().filter(|cpu| *cpu <= CPU_MAX);
            number.ok_or_else(|| NoCpuSet(list.to_owned()))
        };
        let mut cpus = BTreeSet::new();
        for part in list.trim().split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            cpus.extend(number(first)?..=number(last)?);
        }
        Ok(Self(cpus))
    }
}

impl TryFrom<String> for CpuSet {
    type Error = NoCpuSet;

    fn try_from(list: String) -> Result<Self, NoCpuSet> {
        if list.is_empty() { Ok(Self::default()) } else { list.parse() }
    }
}

impl From<CpuSet> for String {
    fn from(cpus: CpuSet) -> Self {
        cpus.to_string()
    }
}

impl Display for CpuSet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while let Some(next) = rest.next_if(|cpu| *cpu == last + 1) {
                last = next;
            }
            write!(f, "{separator}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            separator = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_and_masks_are_read() {
        let numbers = |set: CpuSet| set.iter().map(CpuId::get).collect::<Vec<_>>();
        assert_eq!(numbers("0-2,5,7-8".parse().unwrap()), [0, 1, 2, 5, 7, 8]);
        assert_eq!(numbers(CpuSet::from_mask("ff,00000001").unwrap())[..2], [0, 32]);
        assert!(CpuSet::from_mask("00000000,00000000").unwrap().is_empty());
        for wrong in ["", "0-x", "1-70000", "a"] {
            assert!(wrong.parse::<CpuSet>().is_err(), "{wrong}");
        }
        assert_eq!(CpuSet::from_mask("0x3"), None);
    }

    proptest! {
        #[test]
        fn a_set_is_read_as_it_is_shown(cpus in prop::collection::btree_set(0..CPU_MAX, 0..40)) {
            let set = CpuSet(cpus);
            prop_assert_eq!(CpuSet::from_mask(&set.to_mask()), Some(set.clone()));
            prop_assert_eq!(CpuSet::try_from(set.to_string()), Ok(set));
        }
    }
}
