//! All tables together.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use crate::answer::{CountryCode, Origin};
use crate::problem::{Problem, Problems};
use crate::table::Table;

/// What all files know together. Cloning shares the tables.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    tables: Vec<Arc<Table>>,
}

/// Files that were read, with what is doubtful in them.
#[derive(Debug)]
pub struct Loaded {
    /// What they know.
    pub origins: Origins,
    /// Lines that were left out, ranges that overlap.
    pub warnings: Vec<Problem>,
}

/// What is known of an address, as [`Origin`], borrowed from the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known<'o> {
    /// The number of its autonomous system; never 0.
    pub asn: Option<u32>,
    /// The country.
    pub country: Option<CountryCode>,
    /// The name of the autonomous system; only where there is a number.
    pub name: Option<&'o Arc<str>>,
}

impl Origins {
    /// Reads files; earlier ones count before later ones. No files know nothing.
    ///
    /// # Errors
    /// When one of the files cannot be used: every problem of all files.
    pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Loaded, Problems> {
        let mut tables = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            match Table::load(path.as_ref()) {
                Ok((table, warnings)) => {
                    tables.push(Arc::new(table));
                    problems.extend(warnings);
                }
                Err(Problems(found)) => problems.extend(found),
            }
        }
        if tables.len() < paths.len() {
            return Err(Problems(problems));
        }
        Ok(Loaded { origins: Self { tables }, warnings: problems })
    }

    pub(crate) fn new(tables: Vec<Arc<Table>>) -> Self {
        Self { tables }
    }

    /// What is known of this address. Number and name come from the first table that knows a number,
    /// the country from the first that knows one.
    pub fn lookup(&self, address: IpAddr) -> Origin {
        let Known { asn, country, name } = self.find(address);
        Origin { asn, country, name: name.cloned() }
    }

    /// The same with the name borrowed. Sharing a name costs about as much as finding it, because its
    /// counter is written to.
    pub fn find(&self, address: IpAddr) -> Known<'_> {
        let mut known = Known::default();
        for table in &self.tables {
            let found = table.lookup(address);
            if known.asn.is_none() && found.asn.is_some() {
                known.asn = found.asn;
                known.name = found.name.as_ref();
            }
            known.country = known.country.or(found.country);
            if known.asn.is_some() && known.country.is_some() {
                break;
            }
        }
        known
    }

    /// Whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The tables, in the order in which they are asked.
    pub fn tables(&self) -> &[Arc<Table>] {
        &self.tables
    }
}
