//! What one file knows.

use std::net::IpAddr;
use std::path::Path;

use crate::answer::{AnswerId, Answers, Collector, Origin};
use crate::file::{self, Stamp};
use crate::problem::{Problem, Problems, Report, Trouble};
use crate::spans::{Address, Overlaps, Range, Spans};
use crate::{mmdb, tsv};

/// The most ranges of a file, neighbours with the same answer in an MMDB counted as one. Several
/// times what the routing tables of the whole Internet have.
pub const RANGES_MAX: usize = 4_000_000;

/// What one file knows, ready to be asked.
#[derive(Debug)]
pub struct Table {
    v4: Spans<u32>,
    v6: Spans<u128>,
    answers: Answers,
}

impl Table {
    /// Reads a file and checks what it says; what is doubtful comes with the table.
    ///
    /// # Errors
    /// When there is no such file, or nothing to be learnt from it.
    pub fn load(path: &Path) -> Result<(Self, Vec<Problem>), Problems> {
        Self::read(path).map(|read| (read.table, read.warnings))
    }

    /// The same, with the state that the file was in.
    pub(crate) fn read(path: &Path) -> Result<Read, Problems> {
        let mut report = Report::new(path.into());
        let found = file::read(path).and_then(|content| {
            let table = Self::parse(&content.bytes, &mut report)?;
            Ok((table, content.stamp))
        });
        match found {
            Ok((table, stamp)) => Ok(Read { table, stamp, warnings: report.finish() }),
            Err(trouble) => {
                report.push(None, trouble);
                Err(Problems(report.finish()))
            }
        }
    }

    /// From what a file holds, unpacked.
    fn parse(bytes: &[u8], report: &mut Report) -> Result<Self, Trouble> {
        let mut builder = Builder::new();
        let bad_lines = if mmdb::is_mmdb(bytes) {
            mmdb::read(bytes, &mut builder)?;
            0
        } else {
            tsv::read(bytes, &mut builder, report)?
        };
        let (table, overlaps) = builder.finish();
        if table.spans() == 0 {
            return Err(Trouble::NothingKnown { bad_lines });
        }
        for Overlaps { count, line } in overlaps {
            if count > 0 {
                report.push(Some(line), Trouble::Overlaps(count));
            }
        }
        Ok(table)
    }

    /// What is known of this address. An IPv4 address in its IPv6 form is the IPv4 address.
    pub fn lookup(&self, address: IpAddr) -> &Origin {
        let id = match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.get(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.get(v6.to_bits()),
        };
        self.answers.get(id)
    }

    /// How many spans the table has, the gaps between ranges included.
    pub fn spans(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Bytes of memory that the table takes.
    pub fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes() + self.answers.bytes()
    }
}

/// A file that was read.
pub(crate) struct Read {
    pub(crate) table: Table,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) stamp: Stamp,
}

/// A table while its file is read.
pub(crate) struct Builder {
    v4: Vec<Range<u32>>,
    v6: Vec<Range<u128>>,
    pub(crate) answers: Collector,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { v4: Vec::new(), v6: Vec::new(), answers: Collector::new() }
    }

    /// Adds a range of a line. The ends are of one family.
    pub(crate) fn v4(&mut self, range: Range<u32>) -> Result<(), Trouble> {
        add(&mut self.v4, range, self.v6.len())
    }

    /// The same for IPv6.
    pub(crate) fn v6(&mut self, range: Range<u128>) -> Result<(), Trouble> {
        add(&mut self.v6, range, self.v4.len())
    }

    /// Adds a range that comes after all others of its family, growing the last where it can.
    pub(crate) fn append_v4(
        &mut self,
        start: u32,
        end: u32,
        answer: AnswerId,
    ) -> Result<(), Trouble> {
        append(&mut self.v4, Range { start, end, answer, line: 0 }, self.v6.len())
    }

    /// The same for IPv6.
    pub(crate) fn append_v6(
        &mut self,
        start: u128,
        end: u128,
        answer: AnswerId,
    ) -> Result<(), Trouble> {
        append(&mut self.v6, Range { start, end, answer, line: 0 }, self.v4.len())
    }

    fn finish(self) -> (Table, [Overlaps; 2]) {
        let (v4, overlaps_v4) = Spans::build(self.v4);
        let (v6, overlaps_v6) = Spans::build(self.v6);
        (Table { v4, v6, answers: self.answers.finish() }, [overlaps_v4, overlaps_v6])
    }
}

fn append<A: Address>(
    ranges: &mut Vec<Range<A>>,
    range: Range<A>,
    others: usize,
) -> Result<(), Trouble> {
    match ranges.last_mut() {
        Some(last) if last.answer == range.answer && last.end.after() == Some(range.start) => {
            last.end = range.end;
            Ok(())
        }
        _ => add(ranges, range, others),
    }
}

fn add<A>(ranges: &mut Vec<Range<A>>, range: Range<A>, others: usize) -> Result<(), Trouble> {
    if ranges.len() + others >= RANGES_MAX {
        return Err(Trouble::TooManyRanges);
    }
    ranges.push(range);
    Ok(())
}
