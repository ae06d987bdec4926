"""Celery tasks of triage: each takes ids and calls the job that knows what to do."""

from celery import shared_task

from triage.alerting import deliveries
from triage.incidents import jobs


@shared_task(name=jobs.EXPAND, queue="bulk")
def expand(job_id: int) -> None:
    """Works off a linking or a bulk reply."""
    jobs.expand(job_id)


@shared_task(name=deliveries.SEND, queue="live")
def send_alert(delivery_id: int) -> None:
    """Tells one service of an alert."""
    deliveries.send(delivery_id)
