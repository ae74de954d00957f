"""What all topics have in common."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Generic, TypeVar

V = TypeVar("V", covariant=True)


class Topic(Generic[V]):
    """Which view is wanted. `V` is the class of what comes."""

    def _wire(self) -> Any:
        """As the codec takes it: the name, with the query where there is one."""
        name = type(self).__name__
        # the base is no dataclass, but every topic is one
        query = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: query} if query else name
