"""Files that lie at Twilio, recordings and pictures of texts: fetched once, then attached to their entry."""

import logging
from datetime import timedelta
from mimetypes import guess_extension

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from tickets import blobs, changes, nudge, work
from tickets.models import Attachment, Entry, WorkState
from tickets.work import TransportError
from voice.models import Download
from voice.twilio_client import NoTelephone, telephone

log = logging.getLogger(__name__)

FETCH = "voice.tasks.fetch_files"
# Twilio takes some seconds to have a recording ready.
READY = timedelta(seconds=2)
# Tries over some three hours, and seconds before the second.
MOST_ATTEMPTS, FIRST_PAUSE = 12, 5.0
# Rows that one sweep hands to workers, and minutes until a row without a telephone is looked at again.
SWEEP, WITHOUT_TELEPHONE = 50, timedelta(minutes=5)
# What an entry's payload says of a file that is not there yet: why, and where a person may ask for it again.
AWAITED = "awaited"


def keep(entry: Entry, files: dict[str, str], name: str) -> None:
    """Notes that these files (SID → address) belong to an entry. In the transaction that made the entry.

    `name` is what people see: "Voicemail". A file that was fetched before is attached at once.
    """
    for sid, url in files.items():
        row, made = Download.objects.get_or_create(
            sid=sid, defaults={"entry": entry, "url": url, "name": name, "due_at": timezone.now() + READY}
        )
        if made:
            _say(row, f"{name}: the file is on its way from Twilio.")
            nudge.send(FETCH, [row.pk], queue="intake")
        elif row.blob and row.entry_id == entry.pk:
            _attach(row)


def fetch(pk: int) -> str:
    """Fetches one file now, if it is due and free. Returns the state it is in afterwards."""
    try:
        line = telephone()
    except NoTelephone as error:
        later = timezone.now() + WITHOUT_TELEPHONE
        Download.objects.filter(pk=pk, state=WorkState.QUEUED).update(error=str(error), due_at=later)
        return WorkState.QUEUED
    row = work.claim(Download.objects.all(), pk)
    if row is None:
        return Download.objects.values_list("state", flat=True).get(pk=pk)
    try:
        kind, content = line.download(row.url)
        row.blob, row.content_type, row.size = blobs.put(content), kind, len(content)
    except (TransportError, OSError) as error:
        _failed(row, error)
    else:
        _fetched(row)
    return row.state


def again(pk: int) -> bool:
    """A person asks for a file once more that could not be fetched; False if it is here or on its way."""
    with transaction.atomic():
        failed = Download.objects.filter(pk=pk, state=WorkState.FAILED)
        if not failed.update(state=WorkState.QUEUED, attempts=0, due_at=timezone.now(), done_at=None):
            return False
        _say(Download.objects.select_related("entry").get(pk=pk), "The file is asked for once more.")
    nudge.send(FETCH, [pk], queue="intake")
    return True


def sweep() -> int:
    """Hands what is due to workers; whoever fetched and never came back is no harm, so it is fetched anew."""
    stale = work.sweep(Download.objects.all())
    Download.objects.filter(pk__in=stale).update(state=WorkState.QUEUED, claimed_at=None)
    due = work.due_ids(Download.objects.all(), SWEEP)
    if due:
        nudge.send(FETCH, due, queue="intake")
    return len(due)


def fetch_due(most: int = 2) -> int:
    """Fetches what is due here and now, a few: for when no worker hears of it."""
    return sum(fetch(pk) == WorkState.SENT for pk in work.due_ids(Download.objects.all(), most))


def _fetched(row: Download) -> None:
    with transaction.atomic():
        if not work.finish(row, WorkState.SENT, blob=row.blob, content_type=row.content_type, size=row.size):
            return
        _attach(row)
        _say(row, "")


def _failed(row: Download, error: Exception) -> None:
    permanent = isinstance(error, TransportError) and error.permanent
    if not permanent and row.attempts < MOST_ATTEMPTS:
        work.put_back(row, work.pause_after(row.attempts, first=FIRST_PAUSE), str(error))
        return
    log.warning("%s could not be fetched: %s", row.sid, error)
    with transaction.atomic():
        if work.finish(row, WorkState.FAILED, str(error)):
            words = f"{row.name}: the file could not be fetched ({error}). At Twilio it is {row.sid}."
            _say(row, words, reverse("download_again", args=[row.pk]))


def _attach(row: Download) -> None:
    if row.entry.attachments.filter(blob=row.blob).exists():
        return
    name = f"{row.name}{guess_extension(row.content_type) or ''}"
    Attachment.objects.create(
        entry_id=row.entry_id, name=name, content_type=row.content_type, size=row.size, blob=row.blob
    )


def _say(row: Download, why: str, again_at: str = "") -> None:
    """Tells whoever reads the conversation how it stands with the file; nothing once it is there."""
    entry = Entry.objects.select_for_update().get(pk=row.entry_id)
    awaited = {sid: said for sid, said in entry.payload.get(AWAITED, {}).items() if sid != row.sid}
    if why:
        awaited[row.sid] = {"why": why, "again": again_at}
    entry.payload = {**{name: value for name, value in entry.payload.items() if name != AWAITED}}
    if awaited:
        entry.payload[AWAITED] = awaited
    entry.save(update_fields=["payload"])
    changes.bump(f"ticket:{entry.ticket_id}")
