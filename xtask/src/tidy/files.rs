//! The workspace's files, read once.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// All text files that are, or would be, in the repository.
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

/// One text file.
pub(super) struct File {
    /// From the workspace's folder.
    pub(super) path: String,
    pub(super) text: String,
}

impl Tree {
    /// Reads what git lists, and what is new and not ignored.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("could not start git")?;
        ensure!(
            output.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
        // A file that was removed but is still listed, or is not text, is no business of ours.
        let files = names
            .split_terminator('\0')
            .filter_map(|path| {
                let text = fs::read_to_string(root.join(path)).ok()?;
                Some(File { path: path.to_owned(), text })
            })
            .collect();
        Ok(Self { files })
    }

    /// The file of this path.
    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// All files with Rust in them.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }
}

impl File {
    /// Whether the file lies in a crate of this name, sources and tests.
    pub(super) fn is_in_crate(&self, name: &str) -> bool {
        self.path.strip_prefix("crates/").and_then(|path| path.split('/').next()) == Some(name)
    }

    /// Lines with their numbers, without comments. Strings are not told apart: good enough for
    /// words that no message of ours contains.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(i, line)| (i + 1, line.split("//").next().unwrap_or_default()))
            .filter(|(_, line)| !line.trim().is_empty())
    }

    /// As [`File::code`], up to the file's unit tests.
    pub(super) fn production_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }
}

/// Whether `word` stands in `line` as a word of its own.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(has_word("use aya::Ebpf;", "aya"));
        assert!(!has_word("let ayah = 1;", "aya"));
        assert!(!has_word("#![forbid(unsafe_code)]", "unsafe"));
        assert!(has_word("unsafe { x() }", "unsafe"));
    }

    #[test]
    fn comments_and_tests_are_left_out() {
        let file = File {
            path: "crates/plan/src/a.rs".into(),
            text: "// no\nlet a = 1; // no\n\n#[cfg(test)]\nmod tests {}\n".into(),
        };
        assert_eq!(file.production_code().collect::<Vec<_>>(), [(2, "let a = 1; ")]);
        assert!(file.is_in_crate("plan") && !file.is_in_crate("pla"));
    }
}
