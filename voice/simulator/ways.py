"""The ways that a simulated call's requests take: over HTTP to our own door, and to wherever the fallback is."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.files.storage import storages
from urllib3.exceptions import ProtocolError

from voice import fallback
from voice.simulator.webhooks import NoAnswer, NoConnection, Transport

# Seconds that Twilio waits for a connection and for an answer.
CONNECT, ANSWER = 5, 15
# Stands for the fallback's storage where no FALLBACK_URL says from where it can be read.
STORED = "file:///"


def over_http(session: requests.Session, public: str, base: str) -> Transport:
    """Sends what is addressed to our `public` address to `base`, where it can be reached from here."""

    def send(method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str, str]:
        address = base + url.removeprefix(public) if url.startswith(public) else url
        try:
            answer = session.request(
                method,
                address,
                data=dict(params),
                headers=dict(headers),
                timeout=(CONNECT, ANSWER),
                allow_redirects=False,
            )
        except requests.ConnectTimeout as error:
            raise NoConnection(f"no connection within {CONNECT} s") from error
        except requests.ConnectionError as error:
            if error.args and isinstance(error.args[0], ProtocolError):
                raise NoAnswer("the connection was closed without an answer") from error
            raise NoConnection(f"no connection to {urlsplit(address).netloc}") from error
        except requests.RequestException as error:
            raise NoAnswer(f"no answer: {error}"[:200]) from error
        # Twilio reads TwiML as UTF-8 unless told otherwise; requests would take Latin-1 for text.
        answer.encoding = "utf-8"
        return answer.status_code, answer.headers.get("Content-Type", ""), answer.text

    return send


def with_fallback(transport: Transport) -> Transport:
    """Reads the fallback through its storage where it is not reachable from here, and has no address at all."""

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
