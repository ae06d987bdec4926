"""Decides: counts, surges, incidents, broadcasts, status page; and is the Django project."""

from triage.celery import app as celery_app

__all__ = ["celery_app"]
