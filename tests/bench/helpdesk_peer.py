"""Django-helpdesk on the database of the benchmark, with settings as its guide gives them; prints its mails a second.

Run by `bench_intake` in a process of its own: `python -m tests.bench.helpdesk_peer ROUND COUNT`.
"""

import logging
import os
import sys
import tempfile
import time

from tests.bench.mails import a_mail

# A schema of its own (PostgreSQL), or a file of its own (SQLite), so that its tables do not meet ours.
SCHEMA = "bench_helpdesk"


def __getattr__(name: str) -> object:
    """The addresses of its pages, which stand in its mails, once it is set up."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import include, path

    return [path("", include("helpdesk.urls", namespace="helpdesk"))]


def drop_tables() -> None:
    """Called in our own process when all is measured."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def set_up() -> None:
    import dj_database_url
    import django
    from django.conf import settings

    url = os.environ.get("DATABASE_URL", "")
    if url:
        database = dj_database_url.parse(url)
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "options": f"-c search_path={SCHEMA}"}
    else:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BREAKWATER_VAR"] + "/helpdesk.sqlite3"}
    settings.configure(
        SECRET_KEY="benchmark",  # noqa: S106
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        MEDIA_ROOT=tempfile.mkdtemp(prefix="helpdesk-"),
        ROOT_URLCONF="tests.bench.helpdesk_peer",
        SITE_ID=1,
        USE_TZ=True,
        HELPDESK_TEAMS_MODE_ENABLED=False,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
            "django.contrib.messages", "django.contrib.humanize", "django.contrib.admin", "rest_framework", "helpdesk",
        ],
    )  # fmt: skip
    django.setup()
    logging.disable(logging.CRITICAL)
    from django.core.management import call_command
    from django.db import connection

    if url:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    call_command("migrate", verbosity=0)


def main(round_: int, count: int) -> None:
    set_up()
    from helpdesk.email import extract_email_metadata
    from helpdesk.models import Queue, Ticket

    queue, _ = Queue.objects.get_or_create(
        title="Support",
        slug="support",
        defaults={"allow_email_submission": True, "email_address": "support@example.com"},
    )
    raws = [a_mail(round_, number).decode() for number in range(count)]
    before = Ticket.objects.count()
    logger = logging.getLogger("helpdesk")
    begun = time.perf_counter()
    for raw in raws:
        extract_email_metadata(raw, queue, logger)
    took = time.perf_counter() - begun
    assert Ticket.objects.count() == before + count
    print(count / took)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
