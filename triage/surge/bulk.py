"""Writes hundreds of rows at once from plain values: in a flood, an object for each takes most of a tick's time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

Row = Sequence[Any]


def upsert(model: type[Model], unique: Sequence[str], others: Sequence[str], rows: Iterable[Row]) -> None:
    """Inserts rows, each the values of `unique` and then of `others`; where there is one, its `others` are updated.

    The columns have the names of their fields, and the values are as the database takes them, or times.
    """
    names = [*unique, *others]
    taken = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
    _run(
        f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608
        f" ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {taken}",
        rows,
    )


def update(model: type[Model], key: str, others: Sequence[str], rows: Iterable[Row]) -> None:
    """Updates rows that are there, each given as the values of `others` and then of its `key`."""
    new = ", ".join(f"{name} = %s" for name in others)
    _run(f"UPDATE {model._meta.db_table} SET {new} WHERE {key} = %s", rows)  # noqa: S608


def _run(sql: str, rows: Iterable[Row]) -> None:
    """One statement for all: drivers prepare it once, or send it without waiting for each answer."""
    time = cache(connection.ops.adapt_datetimefield_value)
    values = [[time(value) if isinstance(value, datetime) else value for value in row] for row in rows]
    if values:
        with transaction.atomic(savepoint=False), connection.cursor() as cursor:
            cursor.executemany(sql, values)
