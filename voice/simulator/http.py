"""Sends a simulated call's requests over HTTP to wherever our front door is reached from here. No Django."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ProtocolError

from voice.simulator.webhooks import NoAnswer, NoConnection, Transport

# Seconds that Twilio waits for a connection and for an answer.
CONNECT, ANSWER = 5, 15


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
