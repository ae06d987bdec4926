"""The way that a simulated call's requests take to the fallback, wherever it is kept."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import storages

from voice import fallback
from voice.simulator.webhooks import NoAnswer, NoConnection, Transport

# Stands for the fallback's storage where no FALLBACK_URL says from where it can be read.
STORED = "file:///"


def with_fallback(transport: Transport) -> Transport:
    """A way that reads the fallback through its storage where it is not reachable from here, or has no address."""

    def send(method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str, str]:
        base = settings.FALLBACK_URL or STORED
        if not url.startswith(base):
            return transport(method, url, params, headers)
        if settings.FALLBACK_URL:
            try:
                return transport(method, url, params, headers)
            except (NoConnection, NoAnswer):
                pass
        return stored(urlsplit(url.removeprefix(base)).path.lstrip("/"))

    return send


def stored(name: str) -> tuple[int, str, str]:
    """A document of the fallback as its storage has it. NoConnection where there is none."""
    try:
        with storages["fallback"].open(name) as file:
            content = file.read()
    except Exception as error:  # whatever a storage raises: to a caller the fallback is away
        raise NoConnection(f"the fallback's storage has no {name}") from error
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    return 200, "text/xml" if name.endswith(".xml") else "", text


def fallback_of(key: str) -> str:
    """Where a line's fallback is: its address, or where in its storage it is read in place of one."""
    return fallback.url_of(key) or f"{STORED}voice/{key}/now.xml"
