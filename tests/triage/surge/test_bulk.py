"""Rows from plain values are inserted, updated where they are there, and all or none."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from tests.triage.surge.traffic import NOW
from triage.models import MinuteCount, SeriesState
from triage.surge import bulk

pytestmark = pytest.mark.django_db


def upsert(*rows):
    bulk.upsert(MinuteCount, ("series", "minute"), ("arrivals", "senders"), rows)


def kept():
    return set(MinuteCount.objects.values_list("series", "minute", "arrivals", "senders"))


def test_rows_are_inserted_and_those_that_are_there_updated():
    later = NOW + timedelta(minutes=1)
    upsert(("all", NOW, 1, 1), ("line:a", NOW, 2, 1))
    with CaptureQueriesContext(connection) as seen:
        upsert(("all", NOW, 5, 4), ("all", later, 3, 3))
    assert kept() == {("all", NOW, 5, 4), ("all", later, 3, 3), ("line:a", NOW, 2, 1)}
    assert len(seen) == 1


def test_an_update_leaves_other_columns_alone_and_makes_no_rows():
    SeriesState.objects.create(series="all", state={"some": 1}, ratio=2)
    bulk.update(SeriesState, "series", ("minute", "ratio"), [(NOW, 7.5, "all"), (None, 1.0, "nobody's")])
    row = SeriesState.objects.get()
    assert (row.series, row.minute, row.ratio, row.state) == ("all", NOW, 7.5, {"some": 1})


def test_nothing_to_write_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        upsert()
        bulk.update(SeriesState, "series", ("ratio",), ())


@pytest.mark.django_db(transaction=True)
def test_either_all_are_written_or_none():
    with pytest.raises(IntegrityError):
        upsert(("all", NOW, 1, 1), ("line:a", NOW, None, 1))
    assert not kept()
