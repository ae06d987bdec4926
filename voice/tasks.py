"""Celery tasks of voice: each takes ids and calls the job that knows what to do."""

from celery import shared_task

from voice import texts


@shared_task(name=texts.SEND, queue="live")
def send_texts(ids: list[int]) -> None:
    """Sends text messages."""
    for pk in ids:
        texts.send(pk)


@shared_task(name=texts.SEND_BULK, queue="bulk")
def send_bulk_texts() -> None:
    """Sends texts in bulk for a while."""
    texts.run_bulk()
