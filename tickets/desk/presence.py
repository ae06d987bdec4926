"""Who else has a ticket open, so that two people do not write the same answer."""

import logging
import time
from typing import Any

from django.core.cache import cache

log = logging.getLogger(__name__)

# Seconds after the last poll of a page until nobody is believed to look at it any more.
LASTS = 15


def arrive(ticket: int, user: Any) -> bool:
    """Notes that `user` has the ticket open. True when they had not before."""
    here = _here(ticket)
    new = user.pk not in here
    here[user.pk] = (user.get_full_name() or user.get_username(), time.time())
    try:
        cache.set(_key(ticket), here, LASTS)
    except Exception as error:  # presence is a courtesy: without a cache the page works all the same
        log.debug("presence is not kept: %s", error)
        return False
    return new


def others(ticket: int, user: Any) -> list[str]:
    """The names of everybody else who has the ticket open."""
    return sorted(name for pk, (name, _) in _here(ticket).items() if pk != user.pk)


def _here(ticket: int) -> dict[int, tuple[str, float]]:
    try:
        known = cache.get(_key(ticket)) or {}
    except Exception as error:  # as above
        log.debug("presence is not known: %s", error)
        return {}
    return {pk: seen for pk, seen in known.items() if seen[1] > time.time() - LASTS}


def _key(ticket: int) -> str:
    return f"presence:{ticket}"
