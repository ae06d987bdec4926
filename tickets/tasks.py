"""What Celery calls: ids in, one function called."""

from celery import shared_task

from tickets import intake, outbox


@shared_task(name="tickets.tasks.understand")
def understand(ids: list[int]) -> None:
    """Understands arrivals."""
    intake.understand_many(ids)


@shared_task(name="tickets.tasks.send")
def send(ids: list[int]) -> None:
    """Sends live rows of the outbox."""
    for pk in ids:
        outbox.send(pk)


@shared_task(name="tickets.tasks.send_bulk")
def send_bulk() -> None:
    """One bounded run of the outbox's bulk lane."""
    outbox.run_bulk()
