//! A lab: customers, the box and the Internet, in namespaces of its own.

use std::ffi::CString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, mount};

use crate::switch::Switch;
use crate::{ChildGuard, Namespace, Output, process, reaper, topology};

/// The box's NIC towards the customers.
pub const BOX_CUSTOMERS: &str = "customers0";
/// The box's NIC towards the Internet.
pub const BOX_INTERNET: &str = "internet0";
/// The box's only NIC, on a stick.
pub const BOX_STICK: &str = "stick0";
/// The one NIC of the customers' and of the Internet's namespace.
pub const HOST_NIC: &str = "eth0";

/// How long a command in the lab may take, unless told otherwise.
const RUN_DEADLINE: Duration = Duration::from_secs(30);

/// What to build.
#[derive(Clone, Debug)]
pub struct LabSpec {
    /// Addresses on the customers' side, whether a circuit has them or nobody.
    pub customers: Vec<IpAddr>,
    /// Transmit and receive queues of each NIC.
    pub queues: u16,
    /// Bytes of the largest packet.
    pub mtu: u32,
    /// How packets cross the box before anything of Tidegate's runs on it.
    pub forwarding: Forwarding,
}

impl LabSpec {
    /// A bridge with two queues a NIC and the usual packet size.
    pub fn new(customers: impl IntoIterator<Item = IpAddr>) -> Self {
        Self {
            customers: customers.into_iter().collect(),
            queues: 2,
            mtu: 1500,
            forwarding: Forwarding::Bridge,
        }
    }
}

/// How packets cross the box before anything of Tidegate's runs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// Both NICs are in the Linux bridge `br0`.
    Bridge,
    /// Not at all: Tidegate is to forward.
    None,
    /// The box has one NIC; a switch beyond it carries each side in its VLAN.
    Stick {
        /// VLAN id of the Internet side.
        internet_vlan: u16,
        /// VLAN id of the customers' side.
        customers_vlan: u16,
    },
}

/// One of the lab's namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All customers' equipment.
    Customers,
    /// The box between.
    Box,
    /// Servers.
    Internet,
}

/// A lab that is up. Dropping it takes it away with every process inside.
#[derive(Debug)]
pub struct Lab {
    spec: LabSpec,
    customers: Namespace,
    middle: Namespace,
    internet: Namespace,
    // Ends before its namespace goes.
    _switch: Option<Switch>,
    // Last: it removes what the fields above refer to.
    remains: Remains,
}

/// Removes all that carries the lab's name, also when building it failed halfway.
#[derive(Debug)]
struct Remains {
    name: String,
    folder: PathBuf,
    kept: bool,
}

impl Drop for Remains {
    fn drop(&mut self) {
        if !self.kept {
            reaper::remove(&self.name);
        }
    }
}

impl Lab {
    /// Builds the lab. Labs that dead processes left are swept first.
    ///
    /// # Errors
    /// When the kernel or the rights for it are missing; nothing is left then.
    pub fn new(spec: &LabSpec) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        reaper::watch_signals();
        reaper::sweep();
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{n}", reaper::own_prefix());
        let folder = std::env::temp_dir().join(&name);
        let remains = Remains { name: name.clone(), folder: folder.clone(), kept: false };
        fs::DirBuilder::new()
            .mode(0o755)
            .create(&folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        mount_bpffs(&folder.join("bpf"))?;
        let customers = Namespace::create(format!("{name}-customers"))?;
        let middle = Namespace::create(format!("{name}-box"))?;
        let internet = Namespace::create(format!("{name}-internet"))?;
        topology::prepare_host(&customers)?;
        topology::prepare_host(&internet)?;
        topology::prepare_silent(&middle)?;
        let switch = match spec.forwarding {
            Forwarding::Stick { internet_vlan, customers_vlan } => {
                let switch = Namespace::create(format!("{name}-switch"))?;
                topology::prepare_silent(&switch)?;
                topology::connect_stick(&folder, spec, &customers, &middle, &internet, &switch)?;
                Some(Switch::start(&switch, &folder, customers_vlan, internet_vlan)?)
            }
            Forwarding::Bridge | Forwarding::None => {
                topology::connect_box(&folder, spec, &customers, &middle, &internet)?;
                None
            }
        };
        topology::address(&folder, &customers, &spec.customers)?;
        topology::address(&folder, &internet, &[SERVER4.into(), SERVER6.into()])?;
        let spec = spec.clone();
        Ok(Self { spec, customers, middle, internet, _switch: switch, remains })
    }

    /// The lab's name, which everything in it begins with.
    pub fn name(&self) -> &str {
        &self.remains.name
    }

    /// A folder of the lab's own, gone with it.
    pub fn folder(&self) -> &Path {
        &self.remains.folder
    }

    /// Where the lab's own BPF filesystem is mounted.
    pub fn bpffs(&self) -> PathBuf {
        self.folder().join("bpf")
    }

    /// A disk of so many bytes that is the lab's own, and where it is mounted.
    ///
    /// # Errors
    /// When it cannot be mounted, as a second one.
    pub fn disk(&self, bytes: u64) -> Result<PathBuf> {
        let path = self.folder().join("disk");
        fs::create_dir(&path).with_context(|| format!("could not make {}", path.display()))?;
        let size = CString::new(format!("size={bytes}"))?;
        mount("tmpfs", &path, "tmpfs", MountFlags::empty(), &*size)
            .with_context(|| format!("could not mount a disk on {}", path.display()))?;
        Ok(path)
    }

    /// The server's IPv4 address.
    pub fn server4(&self) -> Ipv4Addr {
        SERVER4
    }

    /// The server's IPv6 address.
    pub fn server6(&self) -> Ipv6Addr {
        SERVER6
    }

    /// The server's address of the same family as `customer`.
    pub fn server_for(&self, customer: IpAddr) -> IpAddr {
        if customer.is_ipv4() { SERVER4.into() } else { SERVER6.into() }
    }

    /// The namespace of a place.
    pub fn namespace(&self, place: Place) -> &Namespace {
        match place {
            Place::Customers => &self.customers,
            Place::Box => &self.middle,
            Place::Internet => &self.internet,
        }
    }

    /// Puts a new NIC in the place of the box's one towards the customers: it has the same name, and
    /// nothing of what was on the old one.
    ///
    /// # Errors
    /// When it cannot be made, as on a stick.
    pub fn exchange_customers_nic(&self) -> Result<()> {
        let Self { spec, customers, middle, .. } = self;
        let folder = self.folder();
        topology::reconnect(folder, spec, BOX_CUSTOMERS, customers, middle)?;
        topology::address(folder, customers, &spec.customers)
    }

    /// A command to run at a place.
    pub fn command(&self, place: Place, words: &[&str]) -> Command {
        let (program, args) = words.split_first().unwrap_or((&"true", &[]));
        let mut command = self.namespace(place).command(program);
        command.args(args);
        command
    }

    /// Runs a command at a place and returns what it printed.
    ///
    /// # Errors
    /// When it cannot be started, fails, or takes longer than 30 s.
    pub fn run(&self, place: Place, words: &[&str]) -> Result<Output> {
        process::run(&mut self.command(place, words), RUN_DEADLINE)?.checked()
    }

    /// Starts a command at a place; it ends with its guard.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, place: Place, words: &[&str]) -> Result<ChildGuard> {
        ChildGuard::spawn(&mut self.command(place, words))
    }

    /// Leaves the lab up after this process. A switch (on a stick) does not live on.
    ///
    /// # Errors
    /// When the mark that says so cannot be written; the lab is then removed as usual.
    pub fn keep(mut self) -> Result<()> {
        let mark = self.folder().join(reaper::KEPT);
        fs::write(&mark, "").with_context(|| format!("could not write {}", mark.display()))?;
        self.remains.kept = true;
        Ok(())
    }

    /// The shell commands that take a kept lab away.
    pub fn removal_commands(&self) -> Vec<String> {
        let mut commands = Vec::new();
        for namespace in [&self.customers, &self.middle, &self.internet] {
            let name = namespace.name();
            commands.push(format!("ip netns pids {name} | xargs -r kill"));
            commands.push(format!("ip netns delete {name}"));
        }
        commands.push(format!("umount {}", self.bpffs().display()));
        commands.push(format!("rm -r {}", self.folder().display()));
        commands
    }
}

/// In the range for documentation, so that it is nobody's.
const SERVER4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// In the range for documentation, so that it is nobody's.
const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);

fn mount_bpffs(path: &Path) -> Result<()> {
    fs::create_dir(path).with_context(|| format!("could not make {}", path.display()))?;
    mount("bpf", path, "bpf", MountFlags::empty(), None)
        .with_context(|| format!("could not mount a BPF filesystem on {}", path.display()))
}
