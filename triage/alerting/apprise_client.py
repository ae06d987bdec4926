"""Tells services of every kind by their apprise URL. The only module that knows apprise.

Apprise says of most failures only that there was one; what kind is read from what it logs. It is loaded when it is
first needed: its two hundred services take more than a second, and most processes never tell anybody.
"""

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tickets.work import TransportError

# Seconds to connect, to wait for an answer, and altogether.
CONNECT, READ, LONGEST = 4.0, 8.0, 15.0
# A service that takes no more characters than this is a telephone: it gets the first line, and the link if both fit.
SHORT = 1000
# Addresses of ours or of files, of this machine's screen, and of other lists of addresses: no route to people.
REFUSED = frozenset({"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
_STATUS = re.compile(r"error=(\d{3})\b")
# What is said before anything was handed over.
_NOT_REACHED = re.compile(
    r"connection refused|failed to resolve|name or service not known|temporary failure in name resolution"
    r"|no route to host|network is unreachable|connect timeout|certificate verify failed",
    re.IGNORECASE,
)
# How apprise begins what it says to people.
SENTENCES = ("Failed", "A Connection", "Connection error", "Error", "Could not")
# Answers that another attempt may change.
_LATER = frozenset({408, 425, 429})


class BadAddress(ValueError):
    """Nobody can be told by this URL; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a URL leads to: the service's name, its address without secrets, how many it tells, how much it takes."""

    name: str
    shown: str
    targets: int
    limit: int


def service(url: str) -> Service:
    """Looks at a URL. BadAddress when nobody can be told by it; asks no network."""
    plugin = _plugin(url)
    return Service(str(plugin.service_name), _shown(plugin), len(plugin), plugin.body_maxlen)


def send(url: str, subject: str, text: str, link: str = "", *, seconds: float = LONGEST) -> None:
    """Tells whoever is behind the URL, within `seconds`. TransportError when that was not done for certain."""
    try:
        plugin = _plugin(url)
    except BadAddress as error:
        raise TransportError(str(error), permanent=True) from error
    plugin.socket_connect_timeout, plugin.socket_read_timeout = min(CONNECT, seconds), min(READ, seconds)
    title, body = fitting(subject, text, link, limit=plugin.body_maxlen)
    # The text is text: what customers wrote in it is no markup of ours.
    result = (
        _apprise()
        .Apprise(plugin, asset=_asset())
        .notify(title=title, body=body, body_format="text", timeout=seconds, log_level=logging.DEBUG)
    )
    if not result:
        timed_out = result.status == _apprise().AppriseResultStatus.TIMEOUT
        raise failure([entry.message for entry in result.logs()], targets=len(plugin), timed_out=timed_out)


def fitting(subject: str, text: str, link: str, *, limit: int) -> tuple[str, str]:
    """Pure: title and body as a service takes them that takes `limit` characters."""
    if limit > SHORT:
        return subject, "\n\n".join(part for part in (text.strip(), link) if part)
    both = f"{subject}\n{link}" if link else subject
    return "", both if len(both) <= limit else subject[:limit]


def failure(said: list[str], *, targets: int = 1, timed_out: bool = False) -> TransportError:
    """Pure: what apprise's log says of a failure.

    Certain that nobody was told: the service could not be reached, or it answered and refused; but where one URL tells
    several, some of them may have been told.
    """
    text = "\n".join(said)
    status = next((int(found[1]) for line in said if (found := _STATUS.search(line))), 0)
    message = _told(said, timed_out=timed_out)
    if targets > 1 and (status or not _NOT_REACHED.search(text)):
        return TransportError(f"{message} Some of its {targets} recipients may have been told.", False, uncertain=True)
    if status:
        return TransportError(message, permanent=status // 100 == 4 and status not in _LATER)
    return TransportError(message, permanent=False, uncertain=timed_out or not _NOT_REACHED.search(text))


def _told(said: list[str], *, timed_out: bool) -> str:
    """The sentence for people: apprise's own, without payloads, addresses and secrets, which stand in other lines."""
    plain = [line for line in said if line.startswith(SENTENCES)]
    first = plain[0] if plain else "It did not answer in time." if timed_out else "It was not taken."
    why = _NOT_REACHED.search("\n".join(said))
    return f"{first[:300]}{f' ({why[0].lower()})' if why else ''}"


def _plugin(url: str) -> Any:
    schema = url.partition(":")[0].strip().lower()
    if "://" not in url:
        raise BadAddress("This is no address: it begins with the service's name, as in slack://… or mailto://…")
    if schema in REFUSED:
        raise BadAddress(f"{schema}:// tells this machine, and nobody who could read it.")
    try:
        plugin = _apprise().Apprise.instantiate(url.strip(), asset=_asset(), suppress_exceptions=False)
    except Exception as error:  # whatever the service's own code says of the address
        raise BadAddress(f"{schema}:// cannot be used so: {error}") from error
    if plugin is None:
        raise BadAddress(f"Nobody can be told by {schema}://: the service is not known, or a part is missing.")
    return plugin


def _shown(plugin: Any) -> str:
    """Scheme and host, with apprise's own masks; a path may be a secret."""
    head, _, rest = plugin.url(privacy=True).partition("://")
    host = rest.split("?")[0].split("/")[0]
    return f"{head}://{host}/…"


@cache
def _apprise() -> Any:
    import apprise

    # What it says is read here; its debug lines bear addresses and payloads, and go nowhere else.
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(logging.NullHandler())
    return apprise


@cache
def _asset() -> Any:
    """Our name in place of apprise's; nothing is stored on disk."""
    return _apprise().AppriseAsset(
        app_id="Breakwater", app_desc="Breakwater alerts", app_url="", storage_mode="memory", async_mode=False
    )
