//! A page of networks or countries of the Internet side.

use bus::{OriginGroup, OriginRow, OriginSort, OriginsPage, OriginsQuery};
use state::{OriginFigures, TalkerFilter, TalkerQuery, TalkerSort, origins_page};
use units::Segment;

use super::flows::{cut, origin_view};
use super::{Moment, quality};

pub(super) fn view(moment: &Moment<'_>, query: &OriginsQuery) -> OriginsPage {
    let Moment { snapshot, flows, .. } = moment;
    let mut groups = match query.group {
        OriginGroup::Asn => flows.by_asn(),
        OriginGroup::Country => flows.by_country(),
    };
    groups.retain(|group| group.flows > 0);
    let page = origins_page(
        &groups,
        &TalkerQuery {
            filter: TalkerFilter { text: query.filter.clone(), ..TalkerFilter::default() },
            sort: sort(query.sort),
            by: query.by,
            cut: cut(query.descending, query.offset, query.limit.min(OriginsQuery::MAX_LIMIT)),
        },
    );
    OriginsPage {
        tick: flows.tick,
        bypass: snapshot.bypass,
        total: page.total as u32,
        matched: page.matched as u32,
        rows: page.rows.iter().map(|index| row(&groups[*index])).collect(),
    }
}

const fn sort(sort: OriginSort) -> TalkerSort {
    match sort {
        OriginSort::Rate => TalkerSort::Rate,
        OriginSort::Bytes => TalkerSort::Bytes,
        OriginSort::Flows => TalkerSort::Flows,
        OriginSort::Rtt => TalkerSort::Rtt(Segment::Internet),
        OriginSort::Retransmits => TalkerSort::RetransmitShare,
        OriginSort::Origin => TalkerSort::Identity,
    }
}

fn row(figures: &OriginFigures) -> OriginRow {
    OriginRow {
        origin: origin_view(&figures.origin),
        rate_bps: figures.rates.map(|rate| rate.bits.get()),
        packets_per_sec: figures.rates.map(|rate| rate.packets_per_sec),
        bytes: figures.traffic.map(|traffic| traffic.bytes.get()),
        flows: figures.flows,
        rtt: quality::mean(&figures.rtt),
        retransmits: quality::resent(&figures.resent, figures.retransmits_per_sec),
    }
}
