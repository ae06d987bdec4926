"""What every test may use. Only the network edge and the clock are ever replaced."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings as loaded
from django.test import TransactionTestCase
from django.test.utils import teardown_databases

from tests import migrated
from tests.chromium import browser  # noqa: F401  a fixture: Playwright bears one loop a process
from tests.voice import checked
from tickets.notices import NOTICES
from triage.surge.usual import USUAL
from voice import fallback
from voice.plan import PLAN
from voice.standing import STANDING

# A live server, which is there before any test is, looks for it.
Path(loaded.STATIC_ROOT).mkdir(parents=True, exist_ok=True)

# Passwords and PINs are hashed slowly on purpose; what is tested here is everything around it.
loaded.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Every answer passes it last, whether a test's client asked or a browser of a live server.
loaded.MIDDLEWARE = ["tests.voice.checked.Middleware", *loaded.MIDDLEWARE]

# Tests that commit empty the database after them.
TransactionTestCase._fixture_teardown = migrated.empty

# Each client of a test builds its middleware anew; looking through all static files then took longer than many a test.
# With this a file is looked for when it is asked for.
loaded.WHITENOISE_AUTOREFRESH = True

if loaded.REDIS_URL:
    # Processes that test side by side have a Redis database each, as pytest-django gives each a PostgreSQL database.
    number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = f"{loaded.REDIS_URL.rpartition('/')[0]}/{number}"
    os.environ["REDIS_URL"] = loaded.REDIS_URL = loaded.CELERY_BROKER_URL = current_app.conf.broker_url = own
    loaded.CACHES["default"]["LOCATION"] = own


def pytest_configure(config: pytest.Config) -> None:
    """The first process opens a folder for the run; those that it starts to test side by side find it there."""
    if not hasattr(config, "workerinput"):
        run = contextlib.ExitStack()
        os.environ.setdefault("BREAKWATER_VAR", str(run.enter_context(migrated.run())))
        config.add_cleanup(run.close)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names a long value by its beginning: processes that test side by side tell one another the names of all tests."""
    return f"{val[:20]!r} and so on" if isinstance(val, bytes | str) and len(val) > 60 else None


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_modify_db_settings, django_db_blocker) -> Iterator[None]:
    """In the place of pytest-django's, which migrates from nothing in each process."""
    with django_db_blocker.unblock():
        made = migrated.set_up()
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has folders of its own for blobs, spool, mail and exports, and remembers no other test's documents."""
    settings.VAR = tmp_path
    for keeper in (NOTICES, PLAN, STANDING, USUAL):
        keeper.forget()
    settings.MEDIA_ROOT = tmp_path / "blobs"
    settings.MAIL_FOLDER = tmp_path / "mail"
    settings.EXPORT_ROOT = tmp_path / "export"
    folder = {"BACKEND": "tests.voice.checked.Storage", "OPTIONS": {"location": str(tmp_path / "export" / "fallback")}}
    settings.STORAGES = {**settings.STORAGES, "fallback": folder}
    monkeypatch.setattr(fallback, "_last", "")
    # Tests of one process share its connection; the threads are tested by processes of their own (tests/faults).
    settings.JOURNAL_THREAD = False
    settings.KEEPER_THREADS = False
    settings.HAND_OVER_THREADS = False
    # Tests run at any hour; those about the night set hours of their own.
    settings.CALL_HOURS = (0, 24)


@pytest.fixture(autouse=True)
def every_document_is_right() -> Iterator[None]:
    """No test may see a TwiML document that Twilio does not take, whatever else it looks at."""
    yield
    found = checked.FAULTS.copy()
    checked.FAULTS.clear()
    assert found == []


@pytest.fixture
def data_folder() -> Path:
    """The folder of real data to measure with."""
    folder = os.environ.get("BREAKWATER_DATA", "")
    if not folder:
        pytest.skip("set BREAKWATER_DATA to the folder of real data to run this test")
    return Path(folder)
