//! Whose the Internet's addresses are, by a file that changes while the daemon runs.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use bus::{FlowsQuery, OriginGroup, OriginsQuery};
use testkit::{Ping, Place, wait_until};

use crate::provider::{Circuit, Provider};
use crate::stage::Stage;

/// Two polls of the file and a tick.
const SEEN_MAX: Duration = Duration::from_secs(12);

#[test]
fn origins_follow_their_file() -> Result<()> {
    let provider = Provider {
        files: "origins = [\"asn.tsv\"]",
        ..Provider::flat(vec![Circuit::new("one", "100.64.1.1", "", (50.0, 50.0))])
    };
    let stage = Stage::new(&provider)?;
    let customer: IpAddr = "100.64.1.1".parse()?;
    let warned = |about: &'static str| {
        wait_until(about, SEEN_MAX, || {
            let warnings = stage.client()?.status()?.warnings;
            Ok(warnings.iter().any(|warning| warning.contains(about)).then_some(()))
        })
    };
    warned("asn.tsv")?;
    let mut ping = Ping::from(customer, stage.lab.server_for(customer));
    (ping.count, ping.interval_ms) = (5, 20);
    ping.run(&stage.lab, Place::Customers)?;
    let origin_is = |asn: Option<u32>, name: Option<&str>, country: Option<&str>| {
        wait_until(&format!("origin {asn:?}"), SEEN_MAX, || {
            let query = FlowsQuery { host: Some(customer), ..FlowsQuery::default() };
            let page = stage.client()?.flows(query)?;
            let Some(flow) = page.rows.first() else { return Ok(None) };
            let origin = &flow.origin;
            let found = (origin.asn, origin.name.as_deref(), origin.country.as_deref());
            Ok((found == (asn, name, country)).then_some(()))
        })
    };
    origin_is(None, None, None)?;

    let file = stage.config.with_file_name("asn.tsv");
    fs::write(&file, "203.0.113.0\t203.0.113.255\t64500\tNL\tEXAMPLE-NET\n")?;
    origin_is(Some(64_500), Some("EXAMPLE-NET"), Some("NL"))?;
    let warnings = stage.client()?.status()?.warnings;
    ensure!(!warnings.iter().any(|warning| warning.contains("asn.tsv")), "{warnings:?}");

    // replaced as an operator should: written beside it and renamed
    let beside = file.with_extension("new");
    fs::write(&beside, "203.0.113.0\t203.0.113.255\t64501\tDE\tOTHER-NET\n")?;
    fs::rename(&beside, &file)?;
    origin_is(Some(64_501), Some("OTHER-NET"), Some("DE"))?;

    fs::write(&file, "this is no table\n")?;
    warned("asn.tsv")?;
    origin_is(Some(64_501), Some("OTHER-NET"), Some("DE"))?;
    for (group, asn, country) in
        [(OriginGroup::Asn, Some(64_501), Some("DE")), (OriginGroup::Country, None, Some("DE"))]
    {
        let page = stage.client()?.origins(OriginsQuery { group, ..OriginsQuery::default() })?;
        ensure!(page.rows.len() == 1 && page.rows[0].flows == 1, "{page:#?}");
        let origin = &page.rows[0].origin;
        ensure!((origin.asn, origin.country.as_deref()) == (asn, country), "{page:#?}");
    }
    let by_asn = FlowsQuery { asn: Some(64_501), ..FlowsQuery::default() };
    ensure!(stage.client()?.flows(by_asn)?.matched == 1, "no flow by number");
    let by_country = FlowsQuery { country: Some("nl".into()), ..FlowsQuery::default() };
    ensure!(stage.client()?.flows(by_country)?.matched == 0, "a flow by the country of before");
    let by_name = FlowsQuery { filter: "other-".into(), ..FlowsQuery::default() };
    ensure!(stage.client()?.flows(by_name)?.matched == 1, "no flow by name");
    Ok(())
}
