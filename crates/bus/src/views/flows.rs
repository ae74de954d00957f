//! A page of flows.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use units::{PerDirection, PerSegment};

/// A page of flows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlowsPage {
    /// The tick shown.
    pub tick: u64,
    /// Whether the bypass was on in the second before: then nothing was measured.
    pub bypass: bool,
    /// Flows that there are: in the table, or in the buffer of recent ones.
    pub total: u32,
    /// Flows that the query matches.
    pub matched: u32,
    /// This page's, in the order asked for.
    pub rows: Vec<FlowRow>,
}

/// Both directions of a flow, seen from the customer. Ports of ICMP echoes: identifier and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct FlowKey {
    /// The customer's end.
    pub customer: IpAddr,
    /// The other end.
    pub internet: IpAddr,
    /// The customer's port.
    pub customer_port: u16,
    /// The other end's port.
    pub internet_port: u16,
    /// IANA's number: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6.
    pub protocol: u8,
}

/// One flow. Counters are since it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlowRow {
    /// Which.
    pub key: FlowKey,
    /// The circuit's id; none when no device covers the customer's address.
    pub circuit: Option<Arc<str>>,
    /// Whether it goes on.
    pub state: FlowState,
    /// Since its first packet.
    pub first_seen_ms_ago: u64,
    /// Since its last packet.
    pub last_seen_ms_ago: u64,
    /// Its two directions.
    pub streams: PerDirection<StreamView>,
    /// RTTs; none where there was no sample.
    pub rtt: PerSegment<Option<FlowRtt>>,
    /// Whom the Internet side's address belongs to.
    pub origin: Origin,
}

/// Whether a flow goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlowState {
    /// It is in the table.
    Open,
    /// It was closed.
    Ended,
    /// It left the table after a long silence.
    Idle,
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamView {
    /// What arrives now.
    pub rate_bps: u64,
    /// Packets that arrive now.
    pub packets_per_sec: u64,
    /// Bytes that arrived.
    pub bytes: u64,
    /// Packets that arrived.
    pub packets: u64,
    /// TCP segments that were sent again.
    pub retransmits: u64,
    /// TCP segments that were overtaken on their way here.
    pub reordered: u64,
    /// Share of the packets that were sent again; none for other protocols than TCP.
    pub retransmit_percent: Option<f32>,
    /// TCP flags seen.
    pub tcp_flags: TcpFlags,
    /// Differentiated services code point of the last packet.
    pub dscp: u8,
    /// Packets marked as capable of ECN or as congested.
    pub ect_packets: u64,
    /// Packets marked as congested.
    pub ce_packets: u64,
}

/// The RTT samples of one flow on one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowRtt {
    /// The last sample.
    pub last_us: u64,
    /// The least one.
    pub min_us: u64,
    /// Smoothed as in RFC 6298.
    pub smoothed_us: u64,
    /// How many.
    pub samples: u64,
}

/// Whom an address belongs to, as far as the operator's files tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// Number of the autonomous system.
    pub asn: Option<u32>,
    /// Its name.
    pub name: Option<Arc<str>>,
    /// Code of the country, as the file has it.
    pub country: Option<Arc<str>>,
}

/// TCP flags as in the header's 14th byte. Written with a letter each, the lowest bit first:
/// `FSRPAUEC` for FIN, SYN, RST, PSH, ACK, URG, ECE, CWR; programs get that text in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    const LETTERS: [char; 8] = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'];
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = Self::LETTERS.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        f.pad(&seen.map(|(_, letter)| letter).collect::<String>())
    }
}

impl Serialize for TcpFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u8(self.0)
        }
    }
}

impl JsonSchema for TcpFlags {
    fn schema_name() -> Cow<'static, str> {
        "TcpFlags".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^F?S?R?P?A?U?E?C?$", "description": "TCP flags, a letter each."})
    }
}

impl<'de> Deserialize<'de> for TcpFlags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u8::deserialize(deserializer).map(Self);
        }
        let bit = |letter| Self::LETTERS.iter().position(|known| *known == letter);
        String::deserialize(deserializer)?.chars().try_fold(Self(0), |flags, letter| {
            let bit = bit(letter).ok_or_else(|| {
                de::Error::invalid_value(de::Unexpected::Char(letter), &"one of FSRPAUEC")
            })?;
            Ok(Self(flags.0 | 1 << bit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_letters_in_the_order_of_their_bits() {
        for (bits, letters) in [(0, ""), (0x12, "SA"), (0x1b, "FSPA"), (0xff, "FSRPAUEC")] {
            assert_eq!(TcpFlags(bits).to_string(), letters);
        }
    }
}
