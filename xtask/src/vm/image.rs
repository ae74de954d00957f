//! What the kernel starts with: busybox, modules in the order in which they load, and an init that puts
//! this machine's root below a layer in memory.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::debian::{Kernel, checked};
use crate::packages::program;

/// What is loaded, with what it needs: the root, the layer above it, and all that scenarios use.
const MODULES: [&str; 16] = [
    "9p",
    "9pnet_virtio",
    "virtio_pci",
    "overlay",
    "veth",
    "bridge",
    "8021q",
    "macvtap",
    "sch_htb",
    "sch_cake",
    "sch_netem",
    "sch_ingress",
    "cls_bpf",
    "cls_u32",
    "sch_fq_codel",
    "sch_tbf",
];
const INIT: &str = include_str!("init.sh");
/// How long one of the small programs may take.
const STEP_MAX: Duration = Duration::from_secs(60);

/// The initial file system.
pub(super) struct Image {
    /// The archive.
    pub(super) path: PathBuf,
}

impl Image {
    /// Makes it, unless it is there from the same kernel, modules and init.
    pub(super) fn make(folder: &Path, kernel: &Kernel) -> Result<Self> {
        let path = folder.join("initramfs.cpio");
        let recipe_path = folder.join("initramfs.recipe");
        let recipe = format!("{}\n{}\n{INIT}", kernel.version, MODULES.join(" "));
        let is_same = fs::read_to_string(&recipe_path).is_ok_and(|found| found == recipe);
        if is_same && path.is_file() {
            return Ok(Self { path });
        }
        let tree = folder.join("initramfs");
        if tree.exists() {
            fs::remove_dir_all(&tree)
                .with_context(|| format!("could not remove {}", tree.display()))?;
        }
        fill(&tree, kernel)?;
        pack(&tree, &path)?;
        fs::write(&recipe_path, recipe)
            .with_context(|| format!("could not write {}", recipe_path.display()))?;
        Ok(Self { path })
    }
}

/// Lays the files out.
fn fill(tree: &Path, kernel: &Kernel) -> Result<()> {
    for name in ["bin", "dev", "lower", "modules", "proc", "sys", "upper", "whole"] {
        let path = tree.join(name);
        fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
    }
    let busybox = program("busybox").context("busybox is not installed")?;
    copy(&busybox, &tree.join("bin/busybox"))?;
    for (number, module) in module_files(kernel)?.iter().enumerate() {
        let name = module.file_name().context("a module without a name")?.to_string_lossy();
        copy(module, &tree.join("modules").join(format!("{number:03}-{name}")))?;
    }
    let init = tree.join("init");
    fs::write(&init, INIT).with_context(|| format!("could not write {}", init.display()))?;
    checked(Command::new("chmod").arg("755").arg(&init), STEP_MAX)?;
    Ok(())
}

/// The modules' files, each behind those that it needs.
fn module_files(kernel: &Kernel) -> Result<Vec<PathBuf>> {
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for module in MODULES {
        let mut command = Command::new(program("modprobe").context("kmod is not installed")?);
        command.arg("--set-version").arg(&kernel.version).arg("--dirname").arg(&kernel.folder);
        let shown = checked(command.args(["--show-depends", module]), STEP_MAX)
            .with_context(|| format!("Linux {} has no {module}", kernel.version))?;
        // what is built in says so instead
        let paths = shown.stdout.lines().filter_map(|line| line.trim().strip_prefix("insmod "));
        files.extend(paths.map(PathBuf::from).filter(|path| seen.insert(path.clone())));
    }
    Ok(files)
}

/// Packs the tree as the kernel reads it: not compressed, as emulation is slow at that.
fn pack(tree: &Path, archive: &Path) -> Result<()> {
    let names = archive.with_extension("names");
    fs::write(&names, listing(tree)?)
        .with_context(|| format!("could not write {}", names.display()))?;
    let open = |path: &Path| {
        File::open(path).with_context(|| format!("could not open {}", path.display()))
    };
    let to =
        File::create(archive).with_context(|| format!("could not create {}", archive.display()))?;
    let mut cpio = Command::new("cpio");
    cpio.args(["--create", "--format=newc", "--quiet"]).current_dir(tree);
    let status = cpio
        .stdin(open(&names)?)
        .stdout(to)
        .stderr(Stdio::inherit())
        .status()
        .context("could not start cpio")?;
    ensure!(status.success(), "cpio ended with {status}");
    Ok(())
}

/// Names of all that is in the tree, folders first.
fn listing(tree: &Path) -> Result<String> {
    let mut text = String::new();
    for entry in fs::read_dir(tree).with_context(|| format!("could not read {}", tree.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        text += &format!("{name}\n");
        if entry.file_type()?.is_dir() {
            for inner in fs::read_dir(entry.path())? {
                text += &format!("{name}/{}\n", inner?.file_name().to_string_lossy());
            }
        }
    }
    Ok(text)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("could not copy {}", from.display()))?;
    Ok(())
}
