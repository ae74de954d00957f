//! A network of sites, access points and circuits, as its files.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use testkit::{BOX_CUSTOMERS, BOX_INTERNET};

pub(crate) const SITES: usize = 20;
const ACCESS_POINTS: usize = 10;
/// Circuits with traffic: whose rate changes, who moves, who stays, and who has TCP.
pub(crate) const BUSY: usize = 4;
pub(crate) const RATED: usize = 0;
pub(crate) const MOVED: usize = 1;

/// ShapedDevices.csv.
#[derive(Clone, Copy)]
pub(crate) struct Devices {
    pub(crate) circuits: usize,
    /// Max rate down of the one whose rate changes.
    pub(crate) rated_mbps: u32,
    /// Where the one that moves is.
    pub(crate) moved_site: usize,
    /// Circuits more.
    pub(crate) comers: usize,
}

impl Devices {
    pub(crate) const fn of(circuits: usize) -> Self {
        Self { circuits, rated_mbps: 100, moved_site: MOVED % SITES, comers: 0 }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = "Circuit ID,Circuit Name,Device ID,Device Name,Parent Node,MAC,IPv4,IPv6,\
                        Download Min Mbps,Upload Min Mbps,Download Max Mbps,Upload Max Mbps,Comment\n"
            .to_owned();
        for i in 0..self.circuits + self.comers {
            let site = if i == MOVED { self.moved_site } else { i % SITES };
            let mbps = if i == RATED { self.rated_mbps } else { 100 };
            let (id, address, ap) = (id(i), address(i), i / SITES % ACCESS_POINTS);
            text += &format!(
                "{id},Customer {i},d{i},router,AP_{site}_{ap},,{address},,1,1,{mbps},20,\n"
            );
        }
        text
    }
}

pub(crate) fn id(circuit: usize) -> String {
    format!("c{circuit:06}")
}

pub(crate) fn address(circuit: usize) -> IpAddr {
    Ipv4Addr::from_bits(0x6440_0001 + circuit as u32).into()
}

pub(crate) fn network() -> String {
    let rates =
        |mbps: u32| format!("\"downloadBandwidthMbps\":{mbps},\"uploadBandwidthMbps\":{mbps}");
    let sites = (0..SITES).map(|site| {
        let access_points: Vec<_> = (0..ACCESS_POINTS)
            .map(|ap| format!("\"AP_{site}_{ap}\":{{{}}}", rates(2_500)))
            .collect();
        format!(
            "\"Site_{site}\":{{{},\"children\":{{{}}}}}",
            rates(10_000),
            access_points.join(",")
        )
    });
    format!("{{{}}}", sites.collect::<Vec<_>>().join(","))
}

pub(crate) fn settings(socket: &Path, pins: &Path) -> String {
    format!(
        "[interfaces]\nmode = \"bridge\"\ninternet = \"{BOX_INTERNET}\"\ncustomers = \"{BOX_CUSTOMERS}\"\n\
         [files]\npins = \"{}\"\n[queues]\ndownload = \"40 Gbps\"\nupload = \"40 Gbps\"\n\
         leaf = \"cake diffserv4\"\nleaf_fallback = \"fifo\"\n\
         [ranges]\ncustomers = [\"100.64.0.0/10\"]\n\
         [bus]\nsocket = \"{}\"\nread_group = \"games\"\nadmin_group = \"mail\"\nclients = 2000\n\
         [log]\naudit = \"off\"\n",
        pins.display(),
        socket.display()
    )
}
