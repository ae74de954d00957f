//! A provider's three files, as text.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A group of Debian's whose members may look at the daemon under test.
pub(crate) const READ_GROUP: &str = "games";
/// Another whose members may change things.
pub(crate) const ADMIN_GROUP: &str = "mail";

/// One row of ShapedDevices.csv.
pub(crate) struct Circuit {
    pub(crate) id: &'static str,
    /// A node, or nothing.
    pub(crate) parent: &'static str,
    pub(crate) ipv4: &'static str,
    pub(crate) ipv6: &'static str,
    /// Down and up, in Mbps.
    pub(crate) min: (f64, f64),
    /// Down and up, in Mbps.
    pub(crate) max: (f64, f64),
}

impl Circuit {
    /// A parentless circuit with a hundredth of its plan guaranteed, at least 0.1 Mbps.
    pub(crate) fn new(
        id: &'static str,
        ipv4: &'static str,
        ipv6: &'static str,
        max: (f64, f64),
    ) -> Self {
        let min = ((max.0 / 100.0).max(0.1), (max.1 / 100.0).max(0.1));
        Self { id, parent: "", ipv4, ipv6, min, max }
    }

    /// Under a node, with these guarantees.
    pub(crate) fn under(mut self, parent: &'static str, min: (f64, f64)) -> Self {
        (self.parent, self.min) = (parent, min);
        self
    }

    /// Its addresses.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.ipv4, self.ipv6].into_iter().filter_map(|text| text.parse().ok())
    }
}

/// Everything that a provider writes.
pub(crate) struct Provider {
    /// The body of `[interfaces]`.
    pub(crate) interfaces: String,
    /// network.json.
    pub(crate) network: &'static str,
    pub(crate) circuits: Vec<Circuit>,
    /// Whether the daemon notices changes by itself.
    pub(crate) watch: bool,
    /// More of `[files]`.
    pub(crate) files: &'static str,
    /// More sections.
    pub(crate) sections: &'static str,
}

impl Provider {
    /// A flat network on a box with a Linux bridge.
    pub(crate) fn flat(circuits: Vec<Circuit>) -> Self {
        let interfaces = two_nics("bridge");
        Self { interfaces, network: "{}", circuits, watch: false, files: "", sections: "" }
    }

    /// Writes the files and returns the path of tidegate.toml.
    pub(crate) fn write(&self, folder: &Path, socket: &Path, pins: &Path) -> Result<PathBuf> {
        let path = folder.join("tidegate.toml");
        let settings = format!(
            "[interfaces]\n{}\n[files]\npins = \"{}\"\nwatch = {}\n{}\n[queues]\ndownload = \"1 Gbps\"\n\
             upload = \"1 Gbps\"\nleaf = \"cake diffserv4\"\nleaf_fallback = \"fifo\"\n\
             [ranges]\ncustomers = [\"100.64.0.0/10\", \"2001:db8::/32\"]\n\
             [bus]\nsocket = \"{}\"\nread_group = \"{READ_GROUP}\"\nadmin_group = \"{ADMIN_GROUP}\"\n{}\n",
            self.interfaces,
            pins.display(),
            self.watch,
            self.files,
            socket.display(),
            self.sections,
        );
        for (name, text) in [
            ("tidegate.toml", settings),
            ("network.json", self.network.to_owned()),
            ("ShapedDevices.csv", self.devices()),
        ] {
            fs::write(folder.join(name), text)
                .with_context(|| format!("could not write {name}"))?;
        }
        Ok(path)
    }

    fn devices(&self) -> String {
        let mut text = "Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,MAC,IPv4,IPv6,\
                        Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment\n"
            .to_owned();
        for circuit in &self.circuits {
            let Circuit { id, parent, ipv4, ipv6, min, max } = circuit;
            text += &format!(
                "{id},Circuit {id},D{id},Router {id},{parent},,{ipv4},{ipv6},{},{},{},{},\n",
                min.0, min.1, max.0, max.1
            );
        }
        text
    }
}

/// The body of `[interfaces]` for a box with two NICs.
pub(crate) fn two_nics(mode: &str) -> String {
    format!(
        "mode = \"{mode}\"\ninternet = \"{}\"\ncustomers = \"{}\"",
        testkit::BOX_INTERNET,
        testkit::BOX_CUSTOMERS
    )
}
