# Made from the declarations in crates/bus by crates/python/tests/generated;
# UPDATE_EXPECTED=1 makes it anew.
"""What is sent of request."""

from __future__ import annotations

from typing import Literal

Role = Literal[
    "read",
    "control",
]
"""What a client may do."""
