"""Tables of any length, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

from ._topic import Topic


def pages(show: Callable[[Topic[Any]], Any], topic: Topic[Any], page: int) -> Iterator[Any]:
    """All rows of a topic that has an offset and a limit."""
    offset = 0
    while True:
        view = show(_part(topic, offset, page))
        yield from view
        offset += len(view)
        if not len(view) or offset >= view.matched:
            return


async def async_pages(
    show: Callable[[Topic[Any]], Awaitable[Any]], topic: Topic[Any], page: int
) -> AsyncIterator[Any]:
    """The same, waited for."""
    offset = 0
    while True:
        view = await show(_part(topic, offset, page))
        for row in view:
            yield row
        offset += len(view)
        if not len(view) or offset >= view.matched:
            return


def _part(topic: Topic[Any], offset: int, limit: int) -> Topic[Any]:
    if limit < 1:
        raise ValueError("a page has at least one row")
    # every topic is a dataclass
    return replace(topic, offset=offset, limit=limit)  # type: ignore[type-var]
