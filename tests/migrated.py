"""Databases of a run of tests: migrating takes seconds, so one is migrated and the others are copies of it."""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection, transaction
from django.test.utils import setup_databases

# Names the run's folder to all of its processes.
_FOLDER = "BREAKWATER_TESTS_RUN"
# Tables that a test which commits leaves as they are.
KEPT = {"django_content_type", "auth_permission", "auth_group"}


@contextlib.contextmanager
def run() -> Iterator[Path]:
    """The time of one run of tests, with a folder of its own. What was kept to be copied is gone after it."""
    folder = Path(tempfile.mkdtemp(prefix="breakwater-run-"))
    os.environ[_FOLDER] = str(folder)
    try:
        yield folder
    finally:
        kept = folder / "postgres"
        if kept.exists():
            with _server(os.environ["DATABASE_URL"]) as server:
                server.execute(f'DROP DATABASE IF EXISTS "{kept.read_text()}"')
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ[_FOLDER]


def in_a_run() -> bool:
    """Whether there is somebody to share with: benchmarks are no run."""
    return _FOLDER in os.environ


def sqlite(path: Path, migrate: Callable[[], object]) -> bool:
    """Makes the database at `path`: the run's first by `migrate`, others as copies of it. Whether it is a copy."""
    with _alone("sqlite") as kept:
        if kept.exists():
            shutil.copyfile(kept, path)
            return True
        migrate()
        with contextlib.closing(sqlite3.connect(path)) as made:
            made.execute("VACUUM INTO ?", (str(kept),))
        return False


def postgres(url: str, migrate: Callable[[str], str]) -> None:
    """Has `migrate` make a database on the server of `url`, whose name it returns.

    It is told which one to copy, empty for the run's first, and must leave no connection to that: PostgreSQL copies
    only what nobody uses.
    """
    with _alone("postgres") as kept:
        if kept.exists():
            migrate(kept.read_text())
            return
        made, name = migrate(""), f"migrated_{os.getpid()}"
        create(url, name, like=made)
        kept.write_text(name)


def create(url: str, name: str, like: str = "") -> None:
    """Makes a database on the server of `url`: empty, or like another."""
    with _server(url) as server:
        server.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like}"' if like else ""))


def set_up() -> Any:
    """Sets the database of this process's tests up; what Django's teardown_databases wants to know."""
    make = partial(setup_databases, verbosity=0, interactive=False, serialized_aliases=())
    test, made = connection.settings_dict["TEST"], []
    if connection.vendor == "sqlite":
        path = Path(os.environ[_FOLDER]) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.sqlite3"
        test["NAME"] = str(path)
        if sqlite(path, lambda: made.extend(make())):
            made = make(keepdb=True)
        return made

    def migrate(like: str) -> str:
        test["TEMPLATE"] = like or None
        made.extend(make())
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        return str(connection.settings_dict["NAME"])

    postgres(os.environ["DATABASE_URL"], migrate)
    return made


def empty(_case: object = None) -> None:
    """Empties the test database after a test that commits.

    In the place of Django's flush, which truncates every table and makes the permissions anew: PostgreSQL took half a
    second for it. What migrating left there of Django's own stays, and so do the roles: whatever test comes next, in
    whatever order, has them.
    """
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    # In one transaction: foreign keys are looked at when it ends.
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables - KEPT:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@contextlib.contextmanager
def _alone(name: str) -> Iterator[Path]:
    """The path of what the run keeps under a name, while no other process of it looks or makes it."""
    path = Path(os.environ[_FOLDER]) / name
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def _server(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True)
