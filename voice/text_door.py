"""Text messages that reach us, and what becomes of ours: signed webhooks, journaled, read into tickets."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.twiml.messaging_response import MessagingResponse

from tickets import changes, intake, journal
from tickets.intake import Understanding
from tickets.message import InboundMessage, storable
from tickets.models import Arrival, Channel, CountsAs, Identity, Medium, Ticket, WorkState
from tickets.requesters import requester_of
from voice import downloads, plan
from voice.models import TextMessage
from voice.numbers import caller_of
from voice.signature import signed

# How far a text of ours has got; a later word is never overruled by an earlier one.
REACHED = ("accepted", "queued", "sending", "sent", "delivered", "undelivered", "failed")
NOT_DELIVERED = frozenset({"undelivered", "failed"})
# What Twilio takes for a wish by itself (https://help.twilio.com/articles/223134027).
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
# Pictures of one message whose addresses are kept.
MOST_MEDIA = 10


@csrf_exempt
@signed
@require_POST
def incoming(request: HttpRequest) -> HttpResponse:
    """Somebody has texted one of our numbers. Answers nothing: what we say is for an agent, STOP is Twilio's."""
    said = request.POST.dict()
    if not said.get("MessageSid"):
        return _plain("MessageSid is missing.", 400)
    names = ("MessageSid", "From", "To", "Body", "OptOutType")
    media = [said[f"MediaUrl{place}"] for place in range(MOST_MEDIA) if said.get(f"MediaUrl{place}")]
    kept = _keep(
        key=journal.key_of(said["MessageSid"]),
        sender=caller_of(said.get("From", "")),
        line=plan.PLAN.current().get("numbers", {}).get(said.get("To", ""), ""),
        counts_as=CountsAs.AUTOMATIC if said.get("OptOutType") else "",
        payload={**{name: said[name] for name in names if name in said}, "media": media},
    )
    return HttpResponse(str(MessagingResponse()), content_type="text/xml; charset=utf-8") if kept else _not_kept()


@csrf_exempt
@signed
@require_POST
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Twilio tells how far a text of ours has got. Each status is journaled once."""
    said = request.POST.dict()
    reached = said.get("MessageStatus", "")
    if reached not in REACHED:
        return _plain("MessageStatus is missing or unknown.", 400)
    told = {
        "pk": pk,
        "status": reached,
        "sid": said.get("MessageSid", "")[:34],
        "error": said.get("ErrorCode", "")[:16],
    }
    kept = _keep(
        key=journal.key_of("status", pk, told["sid"], reached),
        sender="",
        line="",
        counts_as=CountsAs.STEP,
        payload={"delivery": told},
    )
    return HttpResponse(status=204) if kept else _not_kept()


def read_arrival(arrival: Arrival) -> InboundMessage | Understanding:
    """The reader of the channel "text": a message, a wish for no (or again) texts, or news of a text of ours."""
    if "delivery" in arrival.payload:
        return Delivery(arrival.payload["delivery"])
    wish = _wish(arrival)
    if wish:
        return OptOut(arrival.sender, wish == "STOP")
    said, media = storable(arrival.payload.get("Body", "")), arrival.payload.get("media", [])
    message = InboundMessage(
        medium=Medium.TEXT,
        happened_at=arrival.happened_at,
        sender_kind=Identity.Kind.PHONE,
        sender=arrival.sender,
        subject=" ".join(said.split())[:80] or "Text message",
        text=said or ("(a picture)" if media else "(an empty text message)"),
        reply_to=_conversation_with(arrival.sender),
        payload={"sid": arrival.payload.get("MessageSid", ""), "media": media},
    )
    return Pictures(message, media) if media else message


@dataclass(frozen=True, slots=True)
class Pictures:
    """A message with files that lie at Twilio (addresses): they are fetched after it has become part of a ticket."""

    message: InboundMessage
    media: list[str]

    def apply(self, arrival: Arrival) -> str:
        """Receives the message and notes its files."""
        received = intake.receive(self.message, arrival)
        files = {urlsplit(address).path.rstrip("/").rpartition("/")[2][:34]: address for address in self.media}
        downloads.keep(received.entry, files, "Picture")
        return CountsAs.CONTACT


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a text of ours has got."""

    told: dict[str, Any]

    def apply(self, arrival: Arrival) -> str:
        """Notes it, unless more is known already; an undelivered text waits for a person."""
        reached = self.told["status"]
        earlier = ["", *REACHED[: REACHED.index(reached)]]
        row = TextMessage.objects.filter(pk=self.told["pk"], delivery__in=earlier)
        values: dict[str, Any] = {"delivery": reached, "sid": self.told["sid"]}
        if reached in NOT_DELIVERED:
            row = row.exclude(delivery="delivered")
            values |= {"state": WorkState.FAILED, "error": f"Twilio: {reached} ({self.told['error'] or 'no reason'})"}
        elif row.filter(state=WorkState.UNCERTAIN).exists():
            # Nobody knew whether it had left. It has.
            values |= {"state": WorkState.SENT, "done_at": arrival.happened_at}
        if row.update(**values):
            changes.bump("texts")
        return CountsAs.STEP


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody wants no more texts from us, or wants them again. Twilio has answered and blocks them too."""

    number: str
    out: bool

    def apply(self, arrival: Arrival) -> str:
        """Notes it at the number, whether we know whose it is or not."""
        if self.out and self.number:
            requester_of(Identity.Kind.PHONE, self.number)
        Identity.objects.filter(kind=Identity.Kind.PHONE, value=self.number).update(
            suppressed_at=arrival.happened_at if self.out else None, suppressed_why="texted STOP" if self.out else ""
        )
        return CountsAs.AUTOMATIC


def _wish(arrival: Arrival) -> str:
    """STOP, START or nothing. Twilio says which for a messaging service; else one of its own words stands alone."""
    told = arrival.payload.get("OptOutType", "")
    if told:
        return told if told in ("STOP", "START") else ""
    word = arrival.payload.get("Body", "").strip().upper()
    if word in STOP_WORDS:
        return "STOP"
    # "Yes" is an answer, unless it comes from somebody who wanted no more texts.
    stopped = Identity.objects.filter(kind=Identity.Kind.PHONE, value=arrival.sender, suppressed_at__isnull=False)
    return "START" if word in START_WORDS and stopped.exists() else ""


def _conversation_with(number: str) -> int | None:
    """The newest ticket of this number that is not solved: texts have no subject and no references."""
    if not number:
        return None
    theirs = Ticket.objects.filter(
        requester__identities__kind=Identity.Kind.PHONE,
        requester__identities__value=number,
        state__in=[Ticket.State.OPEN, Ticket.State.PENDING],
    )
    return theirs.order_by("-pk").values_list("pk", flat=True).first()


def _keep(**incoming: Any) -> bool:
    try:
        journal.accept(journal.Incoming(channel=Channel.TEXT, happened_at=timezone.now(), **incoming))
    except journal.NotKept:
        return False
    return True


def _not_kept() -> HttpResponse:
    return _plain("This could not be kept. Please send it again.", 503)


def _plain(text: str, code: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=code, content_type="text/plain; charset=utf-8")
