# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""An exception for each code with which the daemon refuses."""

from __future__ import annotations

from ._errors import Refused


class UnknownRequest(Refused):
    """This daemon does not know the request or its topic."""

    code = "unknown-request"


class Malformed(Refused):
    """The payload is not what the request's number promises."""

    code = "malformed"


class TooLarge(Refused):
    """The frame, or the reply that it asks for, exceeds the cap."""

    code = "too-large"


class Denied(Refused):
    """The client's role does not suffice."""

    code = "denied"


class NotFound(Refused):
    """The thing asked about does not exist."""

    code = "not-found"


class Invalid(Refused):
    """The request makes no sense, or the configuration does not validate."""

    code = "invalid"


class Busy(Refused):
    """Not now: too many clients, or another change is under way."""

    code = "busy"


class Internal(Refused):
    """The daemon failed."""

    code = "internal"


class Version(Refused):
    """No common protocol version."""

    code = "version"


class Outdated(Refused):
    """Something else is in force by now than the request was made from."""

    code = "outdated"


BY_CODE: dict[str, type[Refused]] = {
    "unknown-request": UnknownRequest,
    "malformed": Malformed,
    "too-large": TooLarge,
    "denied": Denied,
    "not-found": NotFound,
    "invalid": Invalid,
    "busy": Busy,
    "internal": Internal,
    "version": Version,
    "outdated": Outdated,
}
