//! Made-up networks of any size, the same for the same size: for benchmarks and tests.

use std::fmt::Write as _;

use crate::source::{Source, Sources};

const CIRCUITS_PER_AP: usize = 40;
const APS_PER_SITE: usize = 10;

/// A network with this many circuits, one row each: sites with ten access points, forty circuits
/// on each, every fiftieth circuit without a parent; IPv4 for all, IPv6 for every other one. The
/// limits are raised to fit. It validates without a problem up to a million circuits.
pub fn sources(circuits: usize) -> Sources {
    Sources {
        settings: Source::new("tidegate.toml", settings(circuits)),
        network: Source::new("network.json", network(circuits)),
        devices: Source::new("ShapedDevices.csv", devices(circuits)),
    }
}

fn settings(circuits: usize) -> String {
    let limit = circuits.max(1);
    format!(
        "[interfaces]\ninternet = \"internet0\"\ncustomers = \"customers0\"\n\n\
         [queues]\ndownload = \"100 Gbps\"\nupload = \"100 Gbps\"\n\n\
         [ranges]\ncustomers = [\"100.64.0.0/10\", \"2001:db8::/32\"]\n\n\
         [limits]\ncircuits = {limit}\nhosts = {limit}\nprefixes = {}\n",
        limit + 2
    )
}

fn network(circuits: usize) -> String {
    let aps = circuits.div_ceil(CIRCUITS_PER_AP);
    let mut text = String::from("{");
    for site in 0..aps.div_ceil(APS_PER_SITE) {
        let comma = if site == 0 { "" } else { "," };
        // writing to a string cannot fail
        let _ = write!(
            text,
            "{comma}\n  \"Site_{site}\": {{\"downloadBandwidthMbps\": 5000, \
             \"uploadBandwidthMbps\": 5000, \"type\": \"site\", \"children\": {{"
        );
        for ap in site * APS_PER_SITE..aps.min((site + 1) * APS_PER_SITE) {
            let comma = if ap % APS_PER_SITE == 0 { "" } else { "," };
            let _ = write!(
                text,
                "{comma}\n    \"AP_{ap}\": {{\"downloadBandwidthMbps\": 800, \
                 \"uploadBandwidthMbps\": 400, \"type\": \"ap\"}}"
            );
        }
        text.push_str("}}");
    }
    text.push_str("\n}\n");
    text
}

fn devices(circuits: usize) -> String {
    let mut text = String::from(
        "Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,Parent Node ID,Anchor Node ID,\
         MAC,IPv4,IPv6,Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment\n",
    );
    const PLANS: [(u32, u32); 4] = [(25, 5), (50, 10), (100, 20), (500, 100)];
    for n in 0..circuits {
        let parent =
            if n % 50 == 49 { String::new() } else { format!("AP_{}", n / CIRCUITS_PER_AP) };
        let (down, up) = PLANS[n % PLANS.len()];
        let (high, low) = (64 + (n >> 16), n & 0xffff);
        let ipv6 = match n % 2 {
            0 => format!("2001:db8:{:x}:{:x}::/64", n >> 16, n & 0xffff),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{n},\"Subscriber {n}, Main Street\",D{n},CPE {n},{parent},,,02:00:00:{:02x}:{:02x}:{:02x},\
             100.{high}.{}.{},{ipv6},1,1,{down},{up},",
            n >> 16 & 0xff,
            n >> 8 & 0xff,
            n & 0xff,
            low >> 8,
            low & 0xff,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn made_up_networks_have_no_problem() {
        for circuits in [0, 1, 40, 401, 5000] {
            let loaded = Config::from_sources(&super::sources(circuits)).unwrap();
            assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
            assert_eq!(loaded.config.network.circuits.len(), circuits);
        }
    }
}
