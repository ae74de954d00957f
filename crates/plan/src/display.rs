//! Plans as text.

use std::collections::HashMap;
use std::fmt;

use config::{Diffserv, Leaf, Mode};
use units::{Direction, TcHandle};

use crate::model::{ClassPlan, Codel, LeafPlan, NicPlan, Owner, Plan, QueuePlan, Target};

/// A name without characters that would steer a terminal.
pub(crate) fn inert(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The leaf's name as the configuration writes it.
pub(crate) fn leaf_name(leaf: Leaf) -> &'static str {
    match leaf {
        Leaf::Cake(Diffserv::Besteffort) => "cake besteffort",
        Leaf::Cake(Diffserv::Diffserv3) => "cake diffserv3",
        Leaf::Cake(Diffserv::Diffserv4) => "cake diffserv4",
        Leaf::Cake(Diffserv::Diffserv8) => "cake diffserv8",
        Leaf::FqCodel => "fq_codel",
        Leaf::Fifo => "fifo",
        Leaf::None => "none",
    }
}

fn mode_name(mode: Mode) -> String {
    match mode {
        Mode::Bridge => "bridge".to_owned(),
        Mode::XdpBridge => "xdp-bridge".to_owned(),
        Mode::Stick { internet_vlan, customers_vlan } => {
            format!("stick (Internet in VLAN {internet_vlan}, customers in VLAN {customers_vlan})")
        }
        Mode::Observe => "observe".to_owned(),
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => f.pad("link"),
            Self::Unclaimed => f.pad("unclaimed"),
            Self::Node(id) => f.pad(&format!("node {}", inert(id.as_str()))),
            Self::Circuit(id) => f.pad(&format!("circuit {}", inert(id.as_str()))),
        }
    }
}

impl fmt::Display for LeafPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.handle, leaf_name(self.kind))?;
        match self.kind {
            Leaf::Fifo => write!(f, " {} bytes", self.limit),
            Leaf::Cake(_) | Leaf::FqCodel => {
                let Codel { target, interval } = self.codel;
                write!(f, " {}/{} ms", target.as_millis(), interval.as_millis())
            }
            Leaf::None => Ok(()),
        }
    }
}

impl fmt::Display for Plan {
    /// A table for each queue, then the circuits and the addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "mode {}, circuits: {}, addresses: {}",
            mode_name(self.mode),
            self.circuits.len(),
            self.addresses.len()
        )?;
        for nic in &self.nics {
            write_nic(f, nic)?;
        }
        let circuits = self.circuits.iter().map(|circuit| {
            let place = |d: Direction| format!("{} {}", circuit.queue[d], circuit.class[d]);
            vec![
                inert(circuit.id.as_str()),
                circuit.slot.to_string(),
                circuit.cpu.to_string(),
                place(Direction::Download),
                place(Direction::Upload),
            ]
        });
        writeln!(f)?;
        let heads = ["circuit", "row", "CPU", "down queue, class", "up queue, class"];
        write_table(f, &heads, circuits.collect())?;
        let ids: HashMap<_, _> = self.circuits.iter().map(|c| (c.slot, &c.id)).collect();
        let addresses = self.addresses.iter().map(|address| {
            let target = match address.target {
                Target::Circuit(slot) => match ids.get(&slot) {
                    Some(id) => format!("circuit {}", inert(id.as_str())),
                    None => format!("row {slot}"),
                },
                Target::Ignored => "ignored".to_owned(),
                Target::Customers => "customers".to_owned(),
            };
            vec![address.prefix.to_string(), target]
        });
        writeln!(f)?;
        write_table(f, &["address", "leads to"], addresses.collect())
    }
}

fn write_nic(f: &mut fmt::Formatter<'_>, nic: &NicPlan) -> fmt::Result {
    let root = match nic.mq {
        none if none == TcHandle::default() => "no mq".to_owned(),
        mq => format!("mq {mq}"),
    };
    writeln!(
        f,
        "\nNIC {} (index {}): {root}, queues: {}",
        nic.name,
        nic.ifindex,
        nic.queues.len()
    )?;
    for queue in &nic.queues {
        writeln!(
            f,
            "\n{} queue {}, {}, CPU {}: HTB {}, default {}",
            nic.name,
            queue.queue,
            queue.direction,
            queue.cpu,
            queue.htb,
            TcHandle::new(queue.htb.major(), queue.default_class)
        )?;
        let heads = ["class", "owner", "rate", "ceil", "quantum", "burst", "cburst", "leaf"];
        write_table(f, &heads, class_rows(queue))?;
    }
    Ok(())
}

/// The classes of a queue as a tree: each followed by what is below it.
fn class_rows(queue: &QueuePlan) -> Vec<Vec<String>> {
    let mut below: HashMap<TcHandle, Vec<&ClassPlan>> = HashMap::new();
    for class in queue.classes.iter().rev() {
        below.entry(class.parent).or_default().push(class);
    }
    let mut rows = Vec::with_capacity(queue.classes.len());
    let mut open: Vec<(usize, &ClassPlan)> = Vec::new();
    let push = |open: &mut Vec<(usize, _)>, children: Option<Vec<_>>, depth| {
        open.extend(children.into_iter().flatten().map(|class| (depth, class)));
    };
    push(&mut open, below.remove(&queue.htb), 0);
    while let Some((depth, class)) = open.pop() {
        rows.push(class_row(class, depth));
        push(&mut open, below.remove(&class.handle), depth + 1);
    }
    rows
}

fn class_row(class: &ClassPlan, depth: usize) -> Vec<String> {
    vec![
        class.handle.to_string(),
        format!("{:1$}{2}", "", depth * 2, class.owner),
        class.rate.to_string(),
        class.ceil.to_string(),
        class.quantum.to_string(),
        class.burst.to_string(),
        class.cburst.to_string(),
        class.leaf.map_or_else(|| "-".to_owned(), |leaf| leaf.to_string()),
    ]
}

/// Columns as wide as their widest cell, two spaces apart.
fn write_table(f: &mut fmt::Formatter<'_>, heads: &[&str], rows: Vec<Vec<String>>) -> fmt::Result {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.len()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    for row in std::iter::once(heads).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
