//! Files that change while they are used.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use origin::{Event, Reloading};

struct Scene {
    folder: tempfile::TempDir,
    reloading: Reloading,
}

impl Scene {
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(folder.path(), names);
        Self { folder, reloading: Reloading::new(&paths) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes one range with this AS in place.
    fn write(&self, name: &str, asn: u32) {
        fs::write(self.path(name), line(asn)).unwrap();
    }

    /// Polls and puts what happened into words.
    fn poll(&mut self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let words = |event| match event {
            Event::Loaded { file, table, warnings } => {
                format!("{}: {} spans, {} warnings", file.display(), table.spans(), warnings.len())
            }
            Event::Failed { problems, kept } => format!("{problems}, kept: {kept}"),
        };
        self.reloading.poll().into_iter().map(|event| words(event).replace(&folder, "")).collect()
    }

    fn asn(&self) -> Option<u32> {
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        self.reloading.current().load().lookup(address).asn
    }
}

fn paths(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).collect()
}

fn line(asn: u32) -> String {
    format!("192.0.2.0\t192.0.2.255\t{asn}\tNL\tA\n")
}

const NOTHING: [&str; 0] = [];
const LOADED: [&str; 1] = ["a: 2 spans, 0 warnings"];
const ABSENT: &str = "a: could not be opened: No such file or directory (os error 2)";

#[test]
fn the_first_poll_reads_and_the_next_do_not() {
    let mut scene = Scene::new(&["a"]);
    scene.write("a", 1);
    assert_eq!(scene.asn(), None);
    assert_eq!(scene.poll(), LOADED);
    assert_eq!(scene.asn(), Some(1));
    assert_eq!(scene.poll(), NOTHING);
}

#[test]
fn a_file_edited_in_place_is_read_once_it_is_quiet() {
    let mut scene = Scene::new(&["a"]);
    scene.write("a", 1);
    scene.poll();
    // half of it, then more with every poll
    for half in ["192.0.2.0\t192.0.2.", "192.0.2.0\t192.0.2.255\t64"] {
        fs::write(scene.path("a"), half).unwrap();
        assert_eq!(scene.poll(), NOTHING);
        assert_eq!(scene.asn(), Some(1));
    }
    scene.write("a", 64_500);
    assert_eq!(scene.poll(), NOTHING);
    assert_eq!(scene.poll(), LOADED);
    assert_eq!(scene.asn(), Some(64_500));
}

#[test]
fn a_file_replaced_by_rename_is_read() {
    let mut scene = Scene::new(&["a"]);
    scene.write("a", 1);
    scene.poll();
    // of the same size
    scene.write("new", 2);
    fs::rename(scene.path("new"), scene.path("a")).unwrap();
    assert_eq!(scene.poll(), NOTHING);
    assert_eq!(scene.poll(), LOADED);
    assert_eq!(scene.asn(), Some(2));
}

#[test]
fn a_half_written_file_that_stays_so_leaves_the_last_good_one() {
    let mut scene = Scene::new(&["a"]);
    scene.write("a", 1);
    scene.poll();
    fs::write(scene.path("a"), "192.0.2.0\t192.0.2.").unwrap();
    scene.poll();
    let said = scene.poll().join("");
    assert!(said.starts_with("a:1: there are 2 fields") && said.ends_with("kept: true"), "{said}");
    assert_eq!(scene.poll(), NOTHING);
    assert_eq!(scene.asn(), Some(1));
    scene.write("a", 3);
    scene.poll();
    assert_eq!(scene.poll(), LOADED);
    assert_eq!(scene.asn(), Some(3));
}

#[test]
fn a_removed_file_is_missed_once_and_read_when_it_is_back() {
    let mut scene = Scene::new(&["a"]);
    scene.write("a", 1);
    scene.poll();
    fs::remove_file(scene.path("a")).unwrap();
    assert_eq!(scene.poll(), [format!("{ABSENT}, kept: true")]);
    assert_eq!(scene.poll(), NOTHING);
    assert_eq!(scene.asn(), Some(1));
    scene.write("a", 2);
    assert_eq!(scene.poll(), NOTHING);
    assert_eq!(scene.poll(), LOADED);
    assert_eq!(scene.asn(), Some(2));
    fs::remove_file(scene.path("a")).unwrap();
    assert_eq!(scene.poll(), [format!("{ABSENT}, kept: true")]);
}

#[test]
fn a_file_that_is_missing_at_first_is_waited_for() {
    let mut scene = Scene::new(&["a", "b"]);
    scene.write("b", 2);
    assert_eq!(scene.poll(), [&format!("{ABSENT}, kept: false"), "b: 2 spans, 0 warnings"]);
    assert_eq!(scene.asn(), Some(2));
    scene.write("a", 1);
    scene.poll();
    assert_eq!(scene.poll(), LOADED);
    // it was named first
    assert_eq!(scene.asn(), Some(1));
}

#[test]
fn files_can_be_exchanged_and_those_that_stay_are_not_read_again() {
    let mut scene = Scene::new(&["a", "b"]);
    scene.write("a", 1);
    scene.write("b", 2);
    scene.poll();
    scene.reloading.set_files(&paths(scene.folder.path(), &["b", "a"]));
    assert_eq!(scene.asn(), Some(2));
    assert_eq!(scene.poll(), NOTHING);
    scene.reloading.set_files(&paths(scene.folder.path(), &["c"]));
    assert_eq!(scene.asn(), None);
    scene.write("c", 3);
    assert_eq!(scene.poll(), ["c: 2 spans, 0 warnings"]);
    assert_eq!(scene.asn(), Some(3));
}

#[test]
fn no_files_are_no_harm() {
    let mut scene = Scene::new(&[]);
    assert_eq!(scene.poll(), NOTHING);
    assert!(scene.reloading.current().load().is_empty());
}
