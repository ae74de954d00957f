//! What one row says by itself.

use std::borrow::Cow;
use std::net::IpAddr;

use units::{BitsPerSec, Direction, IpPrefix, PerDirection, PrefixError};

use super::layout::{Column, Layout};
use crate::model::{Diffserv, Leaf};
use crate::network::NAME_MAX;
use crate::prefix::unfit_for_device;
use crate::problem::Report;
use crate::rate;

/// A row with the layout that it follows.
#[derive(Clone, Copy)]
pub(crate) struct RawDevice<'r, 't> {
    pub(crate) line: u32,
    pub(crate) fields: &'r [Cow<'t, str>],
    pub(crate) layout: &'r Layout,
}

impl<'r> RawDevice<'r, '_> {
    pub(crate) fn get(&self, column: Column) -> &'r str {
        self.layout.get(self.fields, column)
    }
}

/// The rates of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) min: PerDirection<BitsPerSec>,
    pub(crate) max: PerDirection<BitsPerSec>,
}

/// The text of an id or a name, within bounds.
pub(crate) fn validate_text<'r>(
    row: RawDevice<'r, '_>,
    column: Column,
    report: &mut Report<'_>,
) -> &'r str {
    let text = row.get(column);
    if text.len() > NAME_MAX {
        report.error(row.line, column.title(), format!("is longer than {NAME_MAX} bytes"));
    }
    text
}

/// All four rates; none when one of them is wrong.
pub(crate) fn validate_rates(row: RawDevice<'_, '_>, report: &mut Report<'_>) -> Option<Rates> {
    let columns = PerDirection {
        down: (Column::DownloadMin, Column::DownloadMax),
        up: (Column::UploadMin, Column::UploadMax),
    };
    let read = PerDirection::from_fn(|direction| {
        let (min_column, max_column) = columns[direction];
        let min = validate_rate(row, min_column, report);
        let max = validate_rate(row, max_column, report);
        let (min, max) = (min?, max?);
        if max < min {
            report.error(
                row.line,
                max_column.title(),
                format!("{} is less than the {} of {}", max, min_column.title(), min),
            );
            return None;
        }
        Some((min, max))
    });
    let (down, up) = (read[Direction::Download]?, read[Direction::Upload]?);
    Some(Rates {
        min: PerDirection { down: down.0, up: up.0 },
        max: PerDirection { down: down.1, up: up.1 },
    })
}

fn validate_rate(
    row: RawDevice<'_, '_>,
    column: Column,
    report: &mut Report<'_>,
) -> Option<BitsPerSec> {
    let text = row.get(column);
    let rate = match text {
        "" => Err("is missing".to_owned()),
        text => rate::mbps(text),
    };
    rate.map_err(|why| {
        let decimal_comma = text.contains(',').then(|| "write decimals with a point".to_owned());
        report.error(row.line, column.title(), why).help(decimal_comma);
    })
    .ok()
}

/// The addresses of both columns. Wrong ones are reported and left out.
pub(crate) fn validate_addresses(row: RawDevice<'_, '_>, report: &mut Report<'_>) -> Vec<IpPrefix> {
    let mut prefixes = Vec::new();
    for column in [Column::Ipv4, Column::Ipv6] {
        for text in row.get(column).split([',', '\n']).map(str::trim) {
            if text.is_empty() || text.eq_ignore_ascii_case("none") {
                continue;
            }
            prefixes.extend(validate_address(row.line, column, text, report));
        }
    }
    prefixes
}

fn validate_address(
    line: u32,
    column: Column,
    text: &str,
    report: &mut Report<'_>,
) -> Option<IpPrefix> {
    let mut error = |why: String, help: Option<String>| {
        report.error(line, column.title(), why).help(help);
        None
    };
    let prefix: IpPrefix = match read_prefix(text) {
        Ok(prefix) => prefix,
        Err(PrefixError::HostBits { network }) => {
            let host = text.split('/').next().unwrap_or(text).trim();
            return error(
                format!("{text:?} has host bits set"),
                Some(format!("write {network} for the whole block, or {host} for the one host")),
            );
        }
        Err(why) => return error(why.to_string(), separator_help(text)),
    };
    match (column, prefix.addr()) {
        (Column::Ipv4, IpAddr::V6(_)) => error(
            format!("{text} is an IPv6 address"),
            Some("it belongs in the IPv6 column".into()),
        ),
        (Column::Ipv6, IpAddr::V4(_)) => error(
            format!("{text} is an IPv4 address"),
            Some("it belongs in the IPv4 column".into()),
        ),
        _ => match unfit_for_device(prefix) {
            Some((why, help)) => error(why, help),
            None => Some(prefix),
        },
    }
}

/// Reads a prefix, with spaces allowed around its slash.
fn read_prefix(text: &str) -> Result<IpPrefix, PrefixError> {
    match text.split_once('/') {
        Some((addr, len)) if addr.ends_with(' ') || len.starts_with(' ') => {
            format!("{}/{}", addr.trim_end(), len.trim_start()).parse()
        }
        _ => text.parse(),
    }
}

fn separator_help(text: &str) -> Option<String> {
    let separated = text.contains([' ', ';', '|']);
    separated.then(|| "separate several addresses by commas, all in one pair of quotes".to_owned())
}

/// The leaves that the row asks for; `cake` has the tins of `configured` where that is CAKE too.
pub(crate) fn validate_sqm(
    row: RawDevice<'_, '_>,
    configured: Option<Leaf>,
    report: &mut Report<'_>,
) -> PerDirection<Option<Leaf>> {
    let text = row.get(Column::Sqm);
    let sides = match text.split_once('/') {
        Some((down, up)) => PerDirection { down: down.trim(), up: up.trim() },
        None => PerDirection::both(text),
    };
    let cake = match configured {
        Some(leaf @ Leaf::Cake(_)) => leaf,
        _ => Leaf::Cake(Diffserv::default()),
    };
    let mut wrong = false;
    let leaves = sides.map(|side| match side.to_ascii_lowercase().as_str() {
        "" => None,
        "cake" => Some(cake),
        "fq_codel" => Some(Leaf::FqCodel),
        "none" => Some(Leaf::None),
        _ => {
            wrong = true;
            None
        }
    });
    if wrong {
        report
            .error(
                row.line,
                Column::Sqm.title(),
                format!("{text:?} is none of cake, fq_codel, none"),
            )
            .help("different ones are written down/up, like cake/fq_codel or /none".to_owned());
    }
    leaves
}
