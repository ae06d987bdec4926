"""Minutes of many rows, read as text: to make a time of each takes longer than the rest of reading them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Func
from django.db.models.sql.compiler import SQLCompiler


class Minute(Func):
    """The minute that a column's time lies in, as text for `read`."""

    # SQLite keeps times as text, in UTC.
    template = "SUBSTR(%(expressions)s, 1, 16)"
    output_field = CharField()
    arity = 1

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        template = "TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"
        return self.as_sql(compiler, connection, template=template, **context)


# The same few minutes are read again and again.
@lru_cache(maxsize=10_000)
def read(text: str) -> datetime:
    """The beginning of the minute that `Minute` names."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
