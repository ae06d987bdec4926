"""How much a test does: as long and as many as promised where BREAKWATER_FULL=1 asks for it, as CI does, else less.

Less finds a fault in most runs, and keeps `make test` within the ten minutes that a developer waits.
"""

import os
from typing import TypeVar

FULL = bool(os.environ.get("BREAKWATER_FULL"))

T = TypeVar("T")


def promised(full: T, less: T) -> T:
    """The first where as much is asked for as is promised."""
    return full if FULL else less
