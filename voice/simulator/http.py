"""Sends a simulated call's requests over HTTP to wherever our front door is reached from here. No Django."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from voice.simulator.webhooks import NO_HOST, REFUSED, NoAnswer, NoConnection, Transport

# Seconds that Twilio waits for a connection and for an answer.
CONNECT, ANSWER = 5, 15
_PATIENCE = Timeout(connect=CONNECT, read=ANSWER)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def over_http(pool: PoolManager, public: str, base: str) -> Transport:
    """Sends what is addressed to our `public` address to `base`, where it can be reached from here.

    Many calls may share a pool: bare urllib3, because a drill is as fast as its senders.
    """

    def send(method: str, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str, str]:
        address = base + url.removeprefix(public) if url.startswith(public) else url
        body, more = (urlencode(params), _FORM) if method == "POST" else (None, {})
        try:
            answer = pool.request(
                method, address, body=body, headers={**headers, **more}, timeout=_PATIENCE, retries=False
            )
        except NameResolutionError as error:
            raise NoConnection(f"no such host: {urlsplit(address).netloc}", error=NO_HOST) from error
        except NewConnectionError as error:
            raise NoConnection(f"no connection to {urlsplit(address).netloc}", error=REFUSED) from error
        except ConnectTimeoutError as error:
            raise NoConnection(f"no connection to {urlsplit(address).netloc} in time") from error
        except HTTPError as error:
            raise NoAnswer(f"no answer: {error}"[:200]) from error
        # Twilio reads TwiML as UTF-8.
        return answer.status, answer.headers.get("Content-Type", ""), answer.data.decode("utf-8", "replace")

    return send
