"""Celery tasks of voice: each takes ids and calls the job that knows what to do."""

from celery import shared_task

from voice import downloads, preflight, texts
from voice.preflight_page import CHECK


@shared_task(name=texts.SEND, queue="live")
def send_texts(ids: list[int]) -> None:
    """Sends text messages."""
    for pk in ids:
        texts.send(pk)


@shared_task(name=texts.SEND_BULK, queue="bulk")
def send_bulk_texts() -> None:
    """Sends texts in bulk for a while."""
    texts.run_bulk()


@shared_task(name=CHECK, queue="live")
def check_preflight() -> None:
    """Checks what callers depend on."""
    preflight.report()


@shared_task(name=downloads.FETCH, queue="intake")
def fetch_files(ids: list[int]) -> None:
    """Fetches files that lie at Twilio."""
    for pk in ids:
        downloads.fetch(pk)
