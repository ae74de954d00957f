//! One page of text, in either format.

use std::fmt::Write as _;

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0: `application/openmetrics-text`.
    OpenMetrics,
    /// Prometheus's text format 0.0.4: `text/plain`.
    Prometheus,
}

impl Format {
    /// What a client that sends this `Accept` is given.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The text's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What kind of figures a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Its labels are what it says; its value is 1.
    Info,
}

/// A figure, exact where it is a number of things.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// Names and values of a sample's labels.
pub(crate) type Labels<'a> = &'a [(&'static str, &'a str)];

/// The text so far.
pub(crate) struct Page {
    format: Format,
    text: String,
}

impl Page {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format, text: String::new() }
    }

    /// A family with its samples. `name` has no `_total` and no `_info`: that follows from the kind.
    pub(crate) fn family(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl FnOnce(&mut Samples<'_>),
    ) {
        let suffix = match kind {
            Kind::Counter => "_total",
            Kind::Gauge => "",
            Kind::Info => "_info",
        };
        let (of_family, kind_name) = match (self.format, kind) {
            (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
            (Format::OpenMetrics, Kind::Info) => ("", "info"),
            (Format::Prometheus, Kind::Counter) => (suffix, "counter"),
            (Format::Prometheus, Kind::Info) => (suffix, "gauge"),
            (_, Kind::Gauge) => ("", "gauge"),
        };
        // writing to a string cannot fail
        let _ = writeln!(self.text, "# HELP tidegate_{name}{of_family} {help}.");
        let _ = writeln!(self.text, "# TYPE tidegate_{name}{of_family} {kind_name}");
        if self.format == Format::OpenMetrics
            && let Some(unit) = ["bytes", "seconds"].into_iter().find(|unit| name.ends_with(unit))
        {
            let _ = writeln!(self.text, "# UNIT tidegate_{name} {unit}");
        }
        samples(&mut Samples { text: &mut self.text, name, suffix });
    }

    /// The whole text.
    pub(crate) fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// The samples of one family.
pub(crate) struct Samples<'a> {
    text: &'a mut String,
    name: &'a str,
    suffix: &'static str,
}

impl Samples<'_> {
    pub(crate) fn add(&mut self, labels: Labels<'_>, value: impl Into<Value>) {
        let Self { text, name, suffix } = self;
        let _ = write!(text, "tidegate_{name}{suffix}");
        for (index, (label, value)) in labels.iter().enumerate() {
            text.push(if index == 0 { '{' } else { ',' });
            text.push_str(label);
            text.push_str("=\"");
            // operators look at it in terminals too
            for c in bus::inert(value).chars() {
                match c {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    c => text.push(c),
                }
            }
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let _ = match value.into() {
            Value::Whole(value) => writeln!(text, " {value}"),
            Value::Real(value) => writeln!(text, " {value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let mut page = Page::new(format);
        page.family(Kind::Counter, "sent_bytes", "Bytes sent", |samples| {
            samples.add(&[("to", "a\\b\"c\nd\x1b[2J"), ("nic", "eth0")], u64::MAX);
        });
        page.family(Kind::Info, "build", "What runs", |samples| {
            samples.add(&[("version", "1")], 1_u64);
        });
        page.family(Kind::Gauge, "busy_ratio", "Share", |samples| samples.add(&[], 0.25));
        page.end()
    }

    #[test]
    fn both_formats_name_their_families_as_they_must() {
        let samples = [
            "tidegate_sent_bytes_total{to=\"a\\\\b\\\"c\u{fffd}d\u{fffd}[2J\",nic=\"eth0\"} 18446744073709551615\n",
            "tidegate_build_info{version=\"1\"} 1\n",
            "tidegate_busy_ratio 0.25\n",
        ];
        let [sent, build, busy] = samples;
        assert_eq!(
            written(Format::Prometheus),
            format!(
                "# HELP tidegate_sent_bytes_total Bytes sent.\n\
                 # TYPE tidegate_sent_bytes_total counter\n{sent}\
                 # HELP tidegate_build_info What runs.\n# TYPE tidegate_build_info gauge\n{build}\
                 # HELP tidegate_busy_ratio Share.\n# TYPE tidegate_busy_ratio gauge\n{busy}"
            )
        );
        assert_eq!(
            written(Format::OpenMetrics),
            format!(
                "# HELP tidegate_sent_bytes Bytes sent.\n# TYPE tidegate_sent_bytes counter\n\
                 # UNIT tidegate_sent_bytes bytes\n{sent}\
                 # HELP tidegate_build What runs.\n# TYPE tidegate_build info\n{build}\
                 # HELP tidegate_busy_ratio Share.\n# TYPE tidegate_busy_ratio gauge\n{busy}# EOF\n"
            )
        );
    }

    #[test]
    fn a_client_gets_what_it_accepts() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        assert_eq!(Format::accepted("*/*"), Format::Prometheus);
        assert_eq!(Format::accepted(""), Format::Prometheus);
    }
}
