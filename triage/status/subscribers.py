"""Who gets status updates by mail, and the mails: the question whether it was meant, and each update once."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone, translation

from tickets import outbox
from tickets.mail import words
from tickets.models import Arrival, CountsAs, Identity, Lane, Outgoing
from tickets.requesters import requester_of
from tickets.wording import words as page_words
from triage.incidents import frozen
from triage.incidents.frozen import Chunk
from triage.models import Job, Subscriber, Update
from triage.status.subscriptions import confirm_url, leave_url

# People in one transaction.
CHUNK = 250


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for on the status page: to be asked, to be subscribed, to be left alone."""

    wish: str
    email: str
    language: str

    def apply(self, arrival: Arrival) -> str:
        """Does it, in the transaction that ends the arrival. Each may come twice, and in any order."""
        if self.wish == "ask":
            self._ask()
        elif self.wish == "confirm":
            self._confirm()
        else:
            Subscriber.objects.filter(email=self.email, left_at=None).update(left_at=timezone.now())
        return CountsAs.STEP

    def _ask(self) -> None:
        """One question a day to an address, whoever asks and however often; none to who gets the mails already."""
        if subscribed().filter(email=self.email).exists():
            return
        person = requester_of(Identity.Kind.EMAIL, self.email, language=self.language)
        subject, text = words.render("subscription", self.language, confirm_url=confirm_url(self.email))
        outbox.queue(
            kind=Outgoing.Kind.UPDATE,
            lane=Lane.BULK,
            to=self.email,
            requester=person,
            ticket=None,
            subject=subject,
            text=text,
            about=[f"subscription:{timezone.now():%Y%m%d}"],
            group="subscription",
        )

    def _confirm(self) -> None:
        person = requester_of(Identity.Kind.EMAIL, self.email, language=self.language)
        found, _ = Subscriber.objects.get_or_create(email=self.email, defaults={"requester": person})
        if found.confirmed_at is None or found.left_at is not None:
            found.confirmed_at, found.left_at = timezone.now(), None
            found.save(update_fields=["confirmed_at", "left_at"])


def read_arrival(arrival: Arrival) -> Wish:
    """Reads what was journaled."""
    payload = arrival.payload
    return Wish(payload["wish"], payload["email"], payload.get("language", ""))


def subscribed() -> QuerySet[Subscriber]:
    """Everybody who gets updates."""
    return Subscriber.objects.filter(confirmed_at__isnull=False, left_at=None)


def tell(update: Update, by: Any) -> None:
    """Mails an update to all subscribers, in the caller's transaction; workers write the mails."""
    count = subscribed().count()
    if count:
        frozen.make(Job.Kind.UPDATE, update.incident, by, {"update": update.pk}, total=count)


def expand_chunk(job: Job) -> Chunk:
    """Queues the mails of the next subscribers, in the caller's transaction."""
    update = Update.objects.select_related("incident__problem").filter(pk=job.query["update"]).first()
    if update is None:
        return Chunk(job.cursor, 0, done=True)
    found = subscribed().filter(pk__gt=job.cursor).select_related("requester").order_by("pk")[:CHUNK]
    people = list(found)
    queued = outbox.queue_many([_draft(update, person) for person in people])
    told = sum(mail is not None for mail in queued)
    return Chunk(
        people[-1].pk if people else job.cursor, len(people), done=len(people) < CHUNK, skipped=len(people) - told
    )


def _draft(update: Update, person: Subscriber) -> outbox.Draft:
    language = person.requester.language
    with translation.override(words.languages_of(language)[0]):
        subject, text = words.render(
            "update",
            language,
            title=update.incident.problem.title,
            status=page_words("status", language)[update.status],
            body=update.body,
            status_url=f"{settings.PUBLIC_URL}/status/",
            leave_url=leave_url(person.email),
        )
    return outbox.Draft(
        kind=Outgoing.Kind.UPDATE,
        lane=Lane.BULK,
        to=person.email,
        requester=person.requester,
        ticket=None,
        problem=update.incident.problem,
        subject=subject,
        text=text,
        html=words.as_html(text),
        group=update.about,
        about=[update.about],
        headers={
            # RFC 2369 and 8058: a mail program's own button ends it, by a POST that no link scanner sends.
            "List-Unsubscribe": f"<{leave_url(person.email)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"Status updates <status.{settings.MAIL_DOMAIN}>",
        },
    )
