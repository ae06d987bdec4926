"""The last word to somebody whom we could not reach after all tries: a text message, else a mail."""

from django.conf import settings

from tickets import outbox
from tickets.mail import words as mail_words
from tickets.models import Identity, Lane, Outgoing
from voice import outcomes, texts
from voice.models import Callback
from voice.words import sentence


def gave_up(callback: Callback) -> None:
    """Says that we do not call again and how to reach us, once for each callback. In the caller's transaction."""
    if callback.simulated:
        return
    language = callback.ticket.language or ((callback.line.languages or [""])[0] if callback.line else "")
    told = {"tries": outcomes.TRIES, "address": settings.SUPPORT_ADDRESS}
    if callback.line is not None:
        text = sentence("gave_up", language or "en", **told)
        once = f"gave-up:{callback.pk}"
        if texts.queue(callback.number, text, line=callback.line, ticket=callback.ticket, once=once):
            return
    _mail(callback, language, told)


def _mail(callback: Callback, language: str, told: dict[str, object]) -> None:
    known = Identity.objects.filter(
        requester=callback.requester_id, kind=Identity.Kind.EMAIL, suppressed_at=None
    ).order_by("pk")
    address = known.values_list("value", flat=True).first()
    if address is None:
        return
    subject, text = mail_words.render("gave_up", language or "en", **told)
    outbox.queue(
        kind=Outgoing.Kind.ACKNOWLEDGEMENT,
        lane=Lane.LIVE,
        to=address,
        requester=callback.requester,
        ticket=callback.ticket,
        subject=subject,
        text=text,
        html=mail_words.as_html(text),
        about=[f"gave-up:{callback.pk}"],
    )
