//! The daemon's page in the manual.

use std::io;

use bus::Exit;
use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::{Arguments, signals};

/// What lies where unless the configuration says otherwise.
const FILES: &str = "\
Files:
/etc/tidegate/tidegate.toml      settings; every key is explained there
/etc/tidegate/network.json       sites and access points
/etc/tidegate/ShapedDevices.csv  circuits
/run/tidegate/bus.sock           where clients speak to the daemon
/run/tidegate/tidegated.kept     what the next daemon needs of this one
/run/tidegate/tidegated.events   what happened, for the next daemon, after an orderly end
/sys/fs/bpf/tidegate             programs that are attached";

/// The page, as groff(1) reads it.
pub fn page() -> io::Result<Vec<u8>> {
    let man = Man::new(Arguments::command()).section("8");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut end = Roff::new();
    let codes = Exit::help();
    let tables = [
        ("SIGNALS", signals::HELP.lines().skip(1)),
        ("EXIT STATUS", codes.lines().skip(1)),
        ("FILES", FILES.lines().skip(1)),
    ];
    for (title, lines) in tables {
        end.control("SH", [title]).control("nf", []);
        for line in lines {
            end.text([roman(line)]);
        }
        end.control("fi", []);
    }
    end.control("SH", ["SEE ALSO"]).text([roman("tidegate(1)")]);
    end.to_writer(&mut page)?;
    Ok(page)
}
