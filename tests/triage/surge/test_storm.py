"""Real calls with their times: the storm of 24 February 2016 is a surge, and the six weeks before it are judged too."""

import csv
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.promised import FULL
from tests.triage.surge.traffic import contacts, tick
from tickets.models import Outgoing
from triage.models import Surge
from triage.surge.series import ALL

pytestmark = [
    pytest.mark.django_db,
    # With fewer weeks before it other surges are found: all of it or nothing.
    pytest.mark.skipif(not FULL, reason="half a minute: BREAKWATER_FULL=1, and CI, plays the storm"),
]
ZONE = ZoneInfo("America/New_York")
STORM = datetime(2016, 2, 24, 12, tzinfo=ZONE), datetime(2016, 2, 25, 6, tzinfo=ZONE)


def call_times(path, start, end):
    with path.open(newline="") as file:
        times = [datetime.fromisoformat(row["event_time"]).replace(tzinfo=ZONE) for row in csv.DictReader(file)]
    return sorted(at.astimezone(UTC) for at in times if start <= at < end)


def test_the_storm_is_a_surge(data_folder, settings, capsys):
    settings.BUSINESS_TIME_ZONE = "America/New_York"
    end = STORM[0].replace(hour=0) + timedelta(days=3)
    times = call_times(data_folder / "surge" / "emergency_calls.csv", STORM[0] - timedelta(weeks=6), end)
    contacts(times, line="dispatch")
    tick(end)
    found = list(Surge.objects.filter(series=ALL).order_by("began_at"))
    with capsys.disabled():
        print(f"\n{len(times)} calls")
        for surge in found:
            print(
                f"surge {surge.began_at.astimezone(ZONE):%F %H:%M} noticed {surge.detected_at.astimezone(ZONE):%H:%M}"
                f" ended {surge.ended_at and surge.ended_at.astimezone(ZONE).strftime('%d. %H:%M')}"
                f" peak ×{surge.peak_ratio} total {surge.total} of {surge.expected:.0f} expected"
            )
    (storm,) = [surge for surge in found if STORM[0] <= surge.began_at <= STORM[1]]
    assert storm.detected_at - storm.began_at < timedelta(hours=1)
    assert storm.ended_at is not None
    assert storm.peak_ratio > 3
    assert storm.total > 2 * storm.expected
    # Beside it the days of the blizzard, a morning with nine times the usual accidents, and snow that turned to ice.
    others = [surge.began_at.astimezone(ZONE).date() for surge in found if surge != storm]
    assert others == [date(2016, 1, 22), date(2016, 1, 23), date(2016, 2, 2), date(2016, 2, 15)]
    # What is found in a past that was read in one piece is history, and nobody is paged for it.
    assert not Outgoing.objects.filter(kind="alert").exists()
