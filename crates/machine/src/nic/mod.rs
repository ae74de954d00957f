//! Network cards: the facts that plans need, and what the daemon changes on them while it runs.

pub mod drivers;
mod facts;
mod vlan_offload;
mod xps;

pub use facts::{NicError, NicInfo, master_name, nic, online_cpus};
pub use vlan_offload::{OffloadError, RxVlanGuard, large_receive_offload, rx_vlan_offloads};
pub(crate) use xps::{MAPS as XPS_MAPS, means_no_map};
pub use xps::{XpsError, XpsGuard};
