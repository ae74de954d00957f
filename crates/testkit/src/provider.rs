//! A provider's three files, as text.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{BOX_CUSTOMERS, BOX_INTERNET};

/// A group of Debian's whose members may look at the daemon under test.
pub const READ_GROUP: &str = "games";
/// Another whose members may change things.
pub const ADMIN_GROUP: &str = "mail";

/// Leaves that every kernel can have.
const CAKE_IF_THERE: &str = "leaf = \"cake diffserv4\"\nleaf_fallback = \"fifo\"";

/// One row of ShapedDevices.csv.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// Its id; its name and its device's follow from it.
    pub id: &'static str,
    /// A node, or nothing.
    pub parent: &'static str,
    /// Its IPv4 address or block, or nothing.
    pub ipv4: &'static str,
    /// Likewise of IPv6.
    pub ipv6: &'static str,
    /// Guaranteed, down and up, in Mbps.
    pub min: (f64, f64),
    /// The plan, down and up, in Mbps.
    pub max: (f64, f64),
}

impl Circuit {
    /// A parentless circuit with a hundredth of its plan guaranteed, at least 0.1 Mbps.
    pub fn new(id: &'static str, ipv4: &'static str, ipv6: &'static str, max: (f64, f64)) -> Self {
        let min = ((max.0 / 100.0).max(0.1), (max.1 / 100.0).max(0.1));
        Self { id, parent: "", ipv4, ipv6, min, max }
    }

    /// Under a node, with these guarantees.
    pub fn under(mut self, parent: &'static str, min: (f64, f64)) -> Self {
        (self.parent, self.min) = (parent, min);
        self
    }

    /// Its addresses, but for blocks.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.ipv4, self.ipv6].into_iter().filter_map(|text| text.parse().ok())
    }
}

/// Everything that a provider writes.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The body of `[interfaces]`.
    pub interfaces: String,
    /// network.json.
    pub network: &'static str,
    /// Rows of ShapedDevices.csv.
    pub circuits: Vec<Circuit>,
    /// Whether the daemon notices changes by itself.
    pub watch: bool,
    /// The leaves in `[queues]`.
    pub leaves: &'static str,
    /// More of `[files]`.
    pub files: &'static str,
    /// More sections.
    pub sections: &'static str,
}

impl Provider {
    /// A flat network on a box with a Linux bridge.
    pub fn flat(circuits: Vec<Circuit>) -> Self {
        let interfaces = two_nics("bridge");
        Self {
            interfaces,
            network: "{}",
            circuits,
            watch: false,
            leaves: CAKE_IF_THERE,
            files: "",
            sections: "",
        }
    }

    /// Writes the files and returns the path of tidegate.toml.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path, socket: &Path, pins: &Path) -> Result<PathBuf> {
        let path = folder.join("tidegate.toml");
        let settings = format!(
            "[interfaces]\n{}\n[files]\npins = \"{}\"\nwatch = {}\n{}\n[queues]\ndownload = \"1 Gbps\"\n\
             upload = \"1 Gbps\"\n{}\n\
             [ranges]\ncustomers = [\"100.64.0.0/10\", \"2001:db8::/32\"]\n\
             [bus]\nsocket = \"{}\"\nread_group = \"{READ_GROUP}\"\nadmin_group = \"{ADMIN_GROUP}\"\n\
             [log]\naudit = \"{}\"\n{}\n",
            self.interfaces,
            pins.display(),
            self.watch,
            self.files,
            self.leaves,
            socket.display(),
            folder.join("audit.jsonl").display(),
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
pub fn two_nics(mode: &str) -> String {
    format!("mode = \"{mode}\"\ninternet = \"{BOX_INTERNET}\"\ncustomers = \"{BOX_CUSTOMERS}\"")
}
