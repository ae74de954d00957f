//! The files in config/: the sample is the generated one, the example network loads.

use std::fs;
use std::path::Path;

use config::{Config, Source, Sources};

const SAMPLE: &str = "../../config/tidegate.toml";

#[test]
fn the_shipped_sample_is_the_generated_one() {
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(SAMPLE, config::sample()).unwrap();
    }
    assert_eq!(fs::read_to_string(SAMPLE).unwrap(), config::sample());
}

#[test]
fn the_reference_is_the_generated_one() {
    const REFERENCE: &str = "../../docs/configuration.md";
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(REFERENCE, config::reference()).unwrap();
    }
    let is_current = fs::read_to_string(REFERENCE).unwrap() == config::reference();
    assert!(is_current, "{REFERENCE} is another; UPDATE_EXPECTED=1 writes it anew");
}

fn with_example_network(settings: &str) -> Sources {
    let read = |name: &str| fs::read(Path::new("../../config/example").join(name)).unwrap();
    Sources {
        settings: Source::new("tidegate.toml", settings),
        network: Source::new("network.json", read("network.json")),
        devices: Source::new("ShapedDevices.csv", read("ShapedDevices.csv")),
    }
}

#[test]
fn the_sample_is_valid_as_it_is_and_shows_the_defaults() {
    let loaded = Config::from_sources(&with_example_network(&config::sample())).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);

    // taking the comment sign off every default changes nothing
    let spelled_out: String = config::sample()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key)
                if key.starts_with(|c: char| c.is_ascii_lowercase())
                    && !line.ends_with("# an example") =>
            {
                format!("{key}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(spelled_out.contains("\nframing_percent = 5\n"));
    let limits = loaded.config.limits;
    assert_eq!((limits.circuits, limits.flows), (32_768, 131_072));
    assert_eq!(loaded.config.flows.recent, std::time::Duration::from_secs(300));
    let spelled_out = Config::from_sources(&with_example_network(&spelled_out)).unwrap();
    assert_eq!(spelled_out.config, loaded.config);
}

#[test]
fn the_example_network_loads() {
    let loaded = Config::load(Path::new("../../config/example/tidegate.toml")).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let network = &loaded.config.network;
    assert_eq!((network.nodes.len(), network.circuits.len()), (5, 8));
    // what is promised under an access point fits through it
    for (index, node) in network.nodes.iter().enumerate() {
        let promised = network.circuits.iter().filter(|circuit| circuit.parent == Some(index));
        let down: units::BitsPerSec = promised.clone().map(|circuit| circuit.min.down).sum();
        let up: units::BitsPerSec = promised.map(|circuit| circuit.min.up).sum();
        assert!(node.rate.down.is_none_or(|limit| down <= limit), "{}", node.name);
        assert!(node.rate.up.is_none_or(|limit| up <= limit), "{}", node.name);
    }
}
