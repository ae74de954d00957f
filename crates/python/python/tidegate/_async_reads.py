# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What a client can read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from . import topics, views
from ._pages import async_pages
from ._record import Direction, Segment
from ._topic import Topic
from .topics import (
    CircuitSort,
    FlowSort,
    HostKind,
    HostSort,
    OriginGroup,
    OriginSort,
    RetransmitGroup,
    RetransmitSort,
    RttGroup,
    RttSort,
    UnknownSort,
)
from .views import EventKind, Severity

V = TypeVar("V")


class AsyncReads:
    """Reads one view of each topic. Keywords mean what they mean in `topics`."""

    async def show(self, topic: Topic[V]) -> V:
        """The view of this topic, now."""
        raise NotImplementedError

    async def status(self) -> views.StatusView:
        """The daemon and the box as a whole."""
        return await self.show(topics.Status())

    async def tree(
        self,
        *,
        node: str | None = None,
        levels: int | None = None,
    ) -> views.TreeView:
        """The tree of nodes, or a part of it."""
        return await self.show(topics.Tree(
            node=node,
            levels=levels,
        ))

    async def circuits(
        self,
        *,
        filter: str = "",
        id: str | None = None,
        node: str | None = None,
        rtt_samples_min: int = 0,
        sort: CircuitSort = "id",
        by: Direction | None = None,
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> views.CircuitsPage:
        """A page of circuits."""
        return await self.show(topics.Circuits(
            filter=filter,
            id=id,
            node=node,
            rtt_samples_min=rtt_samples_min,
            sort=sort,
            by=by,
            descending=descending,
            offset=offset,
            limit=limit,
        ))

    def iter_circuits(
        self,
        *,
        filter: str = "",
        id: str | None = None,
        node: str | None = None,
        rtt_samples_min: int = 0,
        sort: CircuitSort = "id",
        by: Direction | None = None,
        descending: bool = False,
        page: int = 1000,
    ) -> AsyncIterator[views.CircuitRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Circuits(
            filter=filter,
            id=id,
            node=node,
            rtt_samples_min=rtt_samples_min,
            sort=sort,
            by=by,
            descending=descending,
        ), page)

    async def queues(self) -> views.QueuesView:
        """Every hardware transmit queue."""
        return await self.show(topics.Queues())

    async def unknown(
        self,
        *,
        filter: str = "",
        sort: UnknownSort = "last-seen",
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> views.UnknownPage:
        """A page of hosts that no device covers."""
        return await self.show(topics.Unknown(
            filter=filter,
            sort=sort,
            descending=descending,
            offset=offset,
            limit=limit,
        ))

    def iter_unknown(
        self,
        *,
        filter: str = "",
        sort: UnknownSort = "last-seen",
        descending: bool = True,
        page: int = 1000,
    ) -> AsyncIterator[views.UnknownRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Unknown(
            filter=filter,
            sort=sort,
            descending=descending,
        ), page)

    async def flows(
        self,
        *,
        filter: str = "",
        circuit: str | None = None,
        host: str | None = None,
        protocol: int | None = None,
        asn: int | None = None,
        country: str | None = None,
        recent: bool = False,
        sort: FlowSort = "rate",
        by: Direction | None = None,
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> views.FlowsPage:
        """A page of flows."""
        return await self.show(topics.Flows(
            filter=filter,
            circuit=circuit,
            host=host,
            protocol=protocol,
            asn=asn,
            country=country,
            recent=recent,
            sort=sort,
            by=by,
            descending=descending,
            offset=offset,
            limit=limit,
        ))

    def iter_flows(
        self,
        *,
        filter: str = "",
        circuit: str | None = None,
        host: str | None = None,
        protocol: int | None = None,
        asn: int | None = None,
        country: str | None = None,
        recent: bool = False,
        sort: FlowSort = "rate",
        by: Direction | None = None,
        descending: bool = True,
        page: int = 1000,
    ) -> AsyncIterator[views.FlowRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Flows(
            filter=filter,
            circuit=circuit,
            host=host,
            protocol=protocol,
            asn=asn,
            country=country,
            recent=recent,
            sort=sort,
            by=by,
            descending=descending,
        ), page)

    async def hosts(
        self,
        *,
        filter: str = "",
        circuit: str | None = None,
        kind: HostKind = "all",
        sort: HostSort = "rate",
        by: Direction | None = None,
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> views.HostsPage:
        """A page of hosts on the customers' side."""
        return await self.show(topics.Hosts(
            filter=filter,
            circuit=circuit,
            kind=kind,
            sort=sort,
            by=by,
            descending=descending,
            offset=offset,
            limit=limit,
        ))

    def iter_hosts(
        self,
        *,
        filter: str = "",
        circuit: str | None = None,
        kind: HostKind = "all",
        sort: HostSort = "rate",
        by: Direction | None = None,
        descending: bool = True,
        page: int = 1000,
    ) -> AsyncIterator[views.HostRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Hosts(
            filter=filter,
            circuit=circuit,
            kind=kind,
            sort=sort,
            by=by,
            descending=descending,
        ), page)

    async def origins(
        self,
        *,
        group: OriginGroup = "asn",
        filter: str = "",
        sort: OriginSort = "rate",
        by: Direction | None = None,
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
    ) -> views.OriginsPage:
        """A page of the networks or countries that the Internet side's addresses belong to."""
        return await self.show(topics.Origins(
            group=group,
            filter=filter,
            sort=sort,
            by=by,
            descending=descending,
            offset=offset,
            limit=limit,
        ))

    def iter_origins(
        self,
        *,
        group: OriginGroup = "asn",
        filter: str = "",
        sort: OriginSort = "rate",
        by: Direction | None = None,
        descending: bool = True,
        page: int = 1000,
    ) -> AsyncIterator[views.OriginRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Origins(
            group=group,
            filter=filter,
            sort=sort,
            by=by,
            descending=descending,
        ), page)

    async def rtt(
        self,
        *,
        group: RttGroup = "box",
        filter: str = "",
        node: str | None = None,
        segment: Segment = "customer",
        samples_min: int = 0,
        sort: RttSort = "p90",
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
        histogram: bool = False,
    ) -> views.RttPage:
        """A page of RTTs: their percentiles."""
        return await self.show(topics.Rtt(
            group=group,
            filter=filter,
            node=node,
            segment=segment,
            samples_min=samples_min,
            sort=sort,
            descending=descending,
            offset=offset,
            limit=limit,
            histogram=histogram,
        ))

    def iter_rtt(
        self,
        *,
        group: RttGroup = "box",
        filter: str = "",
        node: str | None = None,
        segment: Segment = "customer",
        samples_min: int = 0,
        sort: RttSort = "p90",
        descending: bool = True,
        histogram: bool = False,
        page: int = 1000,
    ) -> AsyncIterator[views.RttRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Rtt(
            group=group,
            filter=filter,
            node=node,
            segment=segment,
            samples_min=samples_min,
            sort=sort,
            descending=descending,
            histogram=histogram,
        ), page)

    async def retransmits(
        self,
        *,
        group: RetransmitGroup = "circuits",
        filter: str = "",
        circuit: str | None = None,
        sort: RetransmitSort = "share",
        by: Direction | None = None,
        descending: bool = True,
        offset: int = 0,
        limit: int = 100,
        events: int = 0,
    ) -> views.RetransmitsPage:
        """A page of retransmissions."""
        return await self.show(topics.Retransmits(
            group=group,
            filter=filter,
            circuit=circuit,
            sort=sort,
            by=by,
            descending=descending,
            offset=offset,
            limit=limit,
            events=events,
        ))

    def iter_retransmits(
        self,
        *,
        group: RetransmitGroup = "circuits",
        filter: str = "",
        circuit: str | None = None,
        sort: RetransmitSort = "share",
        by: Direction | None = None,
        descending: bool = True,
        events: int = 0,
        page: int = 1000,
    ) -> AsyncIterator[views.RetransmitRow]:
        """All rows that match, fetched a page at a time.

        Rows that change their place between two pages may come twice or not at all: sort by
        what stays, as an id or an address does."""
        return async_pages(self.show, topics.Retransmits(
            group=group,
            filter=filter,
            circuit=circuit,
            sort=sort,
            by=by,
            descending=descending,
            events=events,
        ), page)

    async def events(
        self,
        *,
        after: int = 0,
        kinds: tuple[EventKind, ...] = (),
        severity_min: Severity = "info",
        filter: str = "",
        limit: int = 100,
    ) -> views.EventsPage:
        """What happened to the daemon. A subscription is sent each event once."""
        return await self.show(topics.Events(
            after=after,
            kinds=kinds,
            severity_min=severity_min,
            filter=filter,
            limit=limit,
        ))

    async def history(self) -> views.HistoryView:
        """The box over the last minutes."""
        return await self.show(topics.History())
