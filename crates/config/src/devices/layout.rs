//! Which column holds what.

use std::borrow::Cow;

use crate::nearest::did_you_mean;
use crate::problem::Report;

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    CircuitId,
    CircuitName,
    DeviceId,
    DeviceName,
    ParentNode,
    Mac,
    Ipv4,
    Ipv6,
    DownloadMin,
    UploadMin,
    DownloadMax,
    UploadMax,
    Comment,
    ParentNodeId,
    AnchorNodeId,
    Sqm,
}

/// A column's title, and the names by which headers call it, without all but letters and digits.
struct Names {
    column: Column,
    title: &'static str,
    normalised: &'static [&'static str],
}

const fn names(column: Column, title: &'static str, normalised: &'static [&'static str]) -> Names {
    Names { column, title, normalised }
}

/// In the order of [`Column`].
const COLUMNS: [Names; 16] = [
    names(Column::CircuitId, "Circuit ID", &["circuitid"]),
    names(Column::CircuitName, "Circuit Name", &["circuitname"]),
    names(Column::DeviceId, "Device ID", &["deviceid"]),
    names(Column::DeviceName, "Device Name", &["devicename"]),
    names(Column::ParentNode, "Parent Node", &["parentnode"]),
    names(Column::Mac, "MAC", &["mac", "radiususername", "username"]),
    names(Column::Ipv4, "IPv4", &["ipv4"]),
    names(Column::Ipv6, "IPv6", &["ipv6"]),
    names(Column::DownloadMin, "Download Min Mbps", &["downloadmin", "downloadminmbps"]),
    names(Column::UploadMin, "Upload Min Mbps", &["uploadmin", "uploadminmbps"]),
    names(Column::DownloadMax, "Download Max Mbps", &["downloadmax", "downloadmaxmbps"]),
    names(Column::UploadMax, "Upload Max Mbps", &["uploadmax", "uploadmaxmbps"]),
    names(Column::Comment, "Comment", &["comment"]),
    names(Column::ParentNodeId, "Parent Node ID", &["parentnodeid"]),
    names(Column::AnchorNodeId, "Anchor Node ID", &["anchornodeid", "id"]),
    names(Column::Sqm, "sqm", &["sqm"]),
];

/// How many of [`COLUMNS`] the legacy layout has, in their order from the left.
const LEGACY_COLUMNS: usize = 13;

impl Column {
    /// How problems call it.
    pub(crate) const fn title(self) -> &'static str {
        COLUMNS[self as usize].title
    }

    fn is_required(self) -> bool {
        matches!(
            self,
            Self::CircuitId
                | Self::DownloadMin
                | Self::UploadMin
                | Self::DownloadMax
                | Self::UploadMax
        )
    }
}

/// Where each column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    position: [Option<usize>; COLUMNS.len()],
}

impl Layout {
    /// The legacy order, with `sqm` after it or without.
    pub(crate) fn legacy(with_sqm: bool) -> Self {
        let mut position = [None; COLUMNS.len()];
        for (index, place) in position.iter_mut().enumerate().take(LEGACY_COLUMNS) {
            *place = Some(index);
        }
        position[Column::Sqm as usize] = with_sqm.then_some(LEGACY_COLUMNS);
        Self { position }
    }

    /// The order that a header gives; none when it is no header.
    pub(crate) fn from_header<S: AsRef<str>>(
        line: u32,
        header: &[S],
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let mut layout = Self { position: [None; COLUMNS.len()] };
        let mut unknown = Vec::new();
        for (index, name) in header.iter().enumerate() {
            let name = name.as_ref();
            match find(name) {
                None => unknown.push((index, name)),
                Some(column) => match &mut layout.position[column as usize] {
                    Some(first) => {
                        report.warning(
                            line,
                            name,
                            format!(
                                "column {} is not used; column {} already is the {}",
                                index + 1,
                                *first + 1,
                                column.title()
                            ),
                        );
                    }
                    place => *place = Some(index),
                },
            }
        }
        if layout.position.iter().all(Option::is_none) {
            report
                .error(line, "", "the first row is no header: it names no known column")
                .help("begin with: Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,MAC,IPv4,IPv6,Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment".to_owned());
            return None;
        }
        let complete = layout.fall_back_on_legacy(line, header, report);
        layout.report_unknown(line, &unknown, report);
        complete.then_some(layout)
    }

    /// Gives columns that the header does not name their legacy position where it is free.
    fn fall_back_on_legacy<S: AsRef<str>>(
        &mut self,
        line: u32,
        header: &[S],
        report: &mut Report<'_>,
    ) -> bool {
        let named = self.position;
        let mut complete = true;
        for Names { column, title, .. } in COLUMNS.iter().take(LEGACY_COLUMNS) {
            let legacy = *column as usize;
            if named[legacy].is_some() {
                continue;
            }
            if !named.contains(&Some(legacy)) {
                self.position[legacy] = Some(legacy);
                if let Some(name) =
                    header.get(legacy).map(AsRef::as_ref).filter(|name| !name.is_empty())
                {
                    report.warning(
                        line,
                        name,
                        format!(
                            "column {} has no known name; by its place it is read as {title}",
                            legacy + 1
                        ),
                    );
                }
            } else if column.is_required() {
                complete = false;
                report.error(line, title, "the header has no such column");
            }
        }
        complete
    }

    fn report_unknown(&self, line: u32, unknown: &[(usize, &str)], report: &mut Report<'_>) {
        for (index, name) in unknown {
            if !name.is_empty() && !self.position.contains(&Some(*index)) {
                report
                    .warning(
                        line,
                        name,
                        format!("column {} has no known name and is not used", index + 1),
                    )
                    .help(did_you_mean(name, COLUMNS.iter().map(|names| names.title)));
            }
        }
    }

    /// The column's text in a row; empty when the row is too short or has no such column.
    pub(crate) fn get<'r, S: AsRef<str>>(&self, fields: &'r [S], column: Column) -> &'r str {
        let place = self.position[column as usize];
        place.and_then(|index| fields.get(index)).map_or("", AsRef::as_ref)
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.position[column as usize].is_some()
    }

    /// Where a column is.
    pub(crate) fn position(&self, column: Column) -> Option<usize> {
        self.position[column as usize]
    }

    /// The layout that a row follows under a header of so many fields: this one, or the legacy one.
    pub(crate) fn of_row<S: AsRef<str>>(&self, fields: &[S], width: usize) -> Cow<'_, Self> {
        if self.is_legacy_row(fields, width) {
            Cow::Owned(Self::legacy(self.has(Column::Sqm)))
        } else {
            Cow::Borrowed(self)
        }
    }

    /// Whether a row under a header of `width` fields follows the legacy layout: it is two fields
    /// shorter, the header has the two ids, and read by it the rates would not be numbers.
    pub(crate) fn is_legacy_row<S: AsRef<str>>(&self, fields: &[S], width: usize) -> bool {
        let numeric = |column| self.get(fields, column).parse::<f64>().is_ok();
        fields.len() + 2 == width
            && self.has(Column::ParentNodeId)
            && self.has(Column::AnchorNodeId)
            && ![Column::DownloadMin, Column::UploadMin, Column::DownloadMax, Column::UploadMax]
                .into_iter()
                .all(numeric)
    }
}

/// The column that a header calls `name`.
fn find(name: &str) -> Option<Column> {
    let normalised: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    COLUMNS
        .iter()
        .find_map(|names| names.normalised.contains(&normalised.as_str()).then_some(names.column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_listed_in_their_own_order() {
        for (index, names) in COLUMNS.iter().enumerate() {
            assert_eq!(names.column as usize, index, "{}", names.title);
            assert_eq!(find(names.title), Some(names.column));
        }
        assert_eq!(find(" download_MAX (Mbps) "), Some(Column::DownloadMax));
    }
}
