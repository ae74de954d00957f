//! Network cards: what they are, and the settings that shaping changes and restores.

mod features;
mod link;
mod promiscuous;
mod xps;

pub use features::{FeatureError, RxVlanGuard, large_receive_offload, rx_vlan_offload};
pub use link::{NicError, NicInfo, nic, online_cpus};
pub use promiscuous::{PromiscuousError, PromiscuousGuard};
pub use xps::{XpsError, XpsGuard};
