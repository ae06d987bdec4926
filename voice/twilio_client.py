"""The one place that speaks to Twilio's REST API, with time-outs, one kind of error, and a base that tests can turn."""

import logging
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from tickets.work import TransportError

log = logging.getLogger(__name__)

# Seconds for one request, and the pauses before a request that was turned away as one too many is sent again.
PATIENCE = 10
PAUSES = (0.5, 1.5)
TOO_MANY = 429
# Rows of one page of a list, the most that Twilio gives.
PAGE = 1000
_EARLY = datetime.min.replace(tzinfo=UTC)
# The most bytes of a file: three minutes of speech have one megabyte.
LARGEST = 25_000_000
# Statuses of calls to agents that we want to hear of.
EVENTS = ["initiated", "ringing", "answered", "completed"]


class RebasedHttpClient(TwilioHttpClient):
    """Sends requests to another base where one is set, and again only after 429: that one was not processed."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=PATIENCE)
        self._base = urlsplit(base) if base else None

    def rebased(self, url: str) -> str:
        """The same address at the base that is set; unchanged without one."""
        if not self._base:
            return url
        parts = urlsplit(url)
        return urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        url = self.rebased(url)
        for pause in PAUSES:
            response = super().request(method, url, *args, **kwargs)
            if response.status_code != TOO_MANY:
                return response
            time.sleep(pause)
        return super().request(method, url, *args, **kwargs)


class Telephone:
    """What we ask of Twilio. Every method raises TransportError, permanent where trying again is useless."""

    def __init__(self, account: str, token: str, base: str = "") -> None:
        self._http, self._auth = RebasedHttpClient(base), (account, token)
        self._client = Client(account, token, http_client=self._http)

    def start_call(self, *, to: str, from_: str, url: str, status_callback: str, timeout: int = 25) -> str:
        """Rings `to` and fetches `url` when it is answered. Returns the call's SID."""
        call = self._do(
            self._client.calls.create,
            to=to,
            from_=from_,
            url=url,
            method="POST",
            status_callback=status_callback,
            status_callback_method="POST",
            status_callback_event=EVENTS,
            timeout=timeout,
        )
        return call.sid

    def end_call(self, sid: str) -> None:
        """Ends a call that is going on."""
        self._do(self._client.calls(sid).update, status="completed")

    def call_status(self, sid: str) -> str:
        """How a call is going, in Twilio's words."""
        return str(self._do(self._client.calls(sid).fetch).status)

    def call(self, sid: str) -> dict[str, Any]:
        """One call: sid, status, direction, from_, to, start_time, end_time."""
        return _call(self._do(self._client.calls(sid).fetch))

    def calls(self, start: datetime, end: datetime, **values: str) -> list[dict[str, Any]]:
        """Calls that began from `start` until `end`, the newest first; `values`: to, from_ …"""
        found = self._do(
            self._client.calls.list, start_time_after=start, start_time_before=end, page_size=PAGE, **values
        )
        return [call for one in found if _within((call := _call(one))["start_time"], start, end)]

    def calls_below(self, sid: str) -> list[dict[str, Any]]:
        """The calls that a call has dialled, the oldest first."""
        found = [_call(one) for one in self._do(self._client.calls.list, parent_call_sid=sid, page_size=PAGE)]
        return sorted(found, key=lambda call: call["start_time"] or _EARLY)

    def recordings(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        """Recordings made from `start` until `end`: sid, call_sid, date_created, duration, media_url."""
        found = self._do(
            self._client.recordings.list, date_created_after=start, date_created_before=end, page_size=PAGE
        )
        names = ("sid", "call_sid", "date_created", "duration", "media_url")
        kept = [{name: getattr(one, name) for name in names} for one in found]
        return [one for one in kept if _within(one["date_created"], start, end)]

    def texts(self, start: datetime, end: datetime, **values: str) -> list[dict[str, Any]]:
        """Texts from `start` until `end`: sid, direction, from_, to, body, num_media, date_created."""
        found = self._do(
            self._client.messages.list, date_sent_after=start, date_sent_before=end, page_size=PAGE, **values
        )
        names = ("sid", "direction", "from_", "to", "body", "num_media", "date_created", "status")
        kept = [{name: getattr(one, name) for name in names} for one in found]
        return [one for one in kept if _within(one["date_created"], start, end)]

    def media(self, sid: str) -> list[str]:
        """The addresses of what came with a text."""
        found = self._do(self._client.messages(sid).media.list)
        return [f"https://api.twilio.com{one.uri.removesuffix('.json')}" for one in found]

    def download(self, url: str) -> tuple[str, bytes]:
        """A file's type and its bytes. Only what lies at Twilio is fetched with our credentials."""
        place = urlsplit(url)
        if place.scheme != "https" or not f".{place.hostname}".endswith(".twilio.com"):
            raise TransportError(f"it does not lie at Twilio: {url[:100]}", permanent=True)
        try:
            with requests.get(self._http.rebased(url), auth=self._auth, timeout=PATIENCE, stream=True) as answer:
                if answer.status_code != requests.codes.ok:
                    # Not there yet, or our credentials are at fault: both may be mended.
                    raise TransportError(f"Twilio answers {answer.status_code}", permanent=False)
                content = b""
                for chunk in answer.iter_content(1 << 16):
                    content += chunk
                    if len(content) > LARGEST:
                        raise TransportError(f"it has more than {LARGEST / 1e6:.0f} MB", permanent=True)
        except requests.RequestException as error:
            raise TransportError(f"Twilio did not answer: {error}", permanent=False) from error
        return answer.headers.get("Content-Type", "").partition(";")[0].strip() or "application/octet-stream", content

    def send_text(self, *, to: str, from_: str, body: str, status_callback: str) -> str:
        """Sends one text message. Returns its SID."""
        return self._do(
            self._client.messages.create, to=to, from_=from_, body=body, status_callback=status_callback
        ).sid

    def account(self) -> dict[str, str]:
        """The account: status (active, suspended, closed) and type (Trial, Full)."""
        found = self._do(self._client.api.v2010.accounts(self._client.account_sid).fetch)
        return {"status": str(found.status), "type": str(found.type)}

    def approved_profiles(self) -> int:
        """How many customer profiles of the account are approved (Trust Hub), one at the most."""
        return len(self._do(self._client.trusthub.v1.customer_profiles.list, status="twilio-approved", limit=1))

    def dialing_countries(self) -> list[dict[str, Any]]:
        """What may be called where: iso_code, low_risk_numbers_enabled, high_risk_…_numbers_enabled."""
        found = self._do(self._client.voice.v1.dialing_permissions.countries.list)
        names = (
            "iso_code", "low_risk_numbers_enabled", "high_risk_special_numbers_enabled",
            "high_risk_tollfraud_numbers_enabled",
        )  # fmt: skip
        return [{name: getattr(one, name) for name in names} for one in found]

    def number(self, phone_number: str) -> dict[str, Any] | None:
        """How a number of ours is set up at Twilio; None when the account has no such number."""
        found = self._do(self._client.incoming_phone_numbers.list, phone_number=phone_number, limit=1)
        if not found:
            return None
        names = (
            "sid", "phone_number", "voice_url", "voice_method", "voice_fallback_url", "voice_fallback_method",
            "status_callback", "status_callback_method", "voice_application_sid", "trunk_sid", "sms_url", "sms_method",
            "capabilities",
        )  # fmt: skip
        return {name: getattr(found[0], name) for name in names}

    def update_number(self, sid: str, **values: str) -> None:
        """Changes how a number is set up: `voice_url`, `voice_fallback_url`, … as the SDK names them."""
        self._do(self._client.incoming_phone_numbers(sid).update, **values)

    def _do(self, ask: Any, **values: Any) -> Any:
        try:
            return ask(**values)
        except TwilioRestException as error:
            permanent = 400 <= error.status < 500 and error.status != TOO_MANY
            raise TransportError(f"Twilio: {error.msg} ({error.code or error.status})", permanent) from error
        except TwilioException as error:
            # A list whose page did not come: the SDK says so in words only.
            status = getattr(error.args[-1], "status_code", 0)
            raise TransportError(f"Twilio: {error.args[0]} ({status})", permanent=400 <= status < 500) from error
        except requests.ConnectTimeout as error:
            raise TransportError(f"Twilio was not reached: {error}", permanent=False) from error
        except requests.ConnectionError as error:
            raise TransportError(f"Twilio was not reached: {error}", permanent=False, uncertain=True) from error
        except requests.RequestException as error:
            # It may have been done all the same: REST creates have no idempotency key.
            raise TransportError(f"Twilio did not answer: {error}", permanent=False, uncertain=True) from error


def _call(found: Any) -> dict[str, Any]:
    names = ("sid", "status", "direction", "to", "start_time", "end_time")
    # The SDK names this field of a call otherwise than that of a text.
    return {name: getattr(found, name) for name in names} | {"from_": found._from}


def _within(at: datetime | None, start: datetime, end: datetime) -> bool:
    """Twilio may read a time as its day: what is outside is left out here."""
    return at is not None and start <= at <= end


class NoTelephone(Exception):
    """No Twilio account is set up; nothing can be dialled."""


def telephone() -> Telephone:
    """The telephone of this installation. NoTelephone without credentials."""
    if not settings.TWILIO_ACCOUNT_SID or not settings.TWILIO_AUTH_TOKENS:
        raise NoTelephone("Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKENS to dial and to text.")
    return _telephone(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKENS[0], settings.TWILIO_API_BASE)


@cache
def _telephone(account: str, token: str, base: str) -> Telephone:
    return Telephone(account, token, base)
