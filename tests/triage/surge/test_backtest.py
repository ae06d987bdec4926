"""The detector over a CSV: what it finds, what it says of the file, and that it needs no database."""

import csv
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from triage.surge import backtest_file
from triage.surge.backtest_scores import Scores
from triage.surge.quarters import minute_of, time_of
from triage.surge.reading import Reading

START = datetime(2026, 1, 5, tzinfo=UTC)
SURGE = START + timedelta(days=16, hours=11)


def arrivals(days=18, surge=20.0, hours=2, seed=3):
    """Times of a seasonal series of one arrival a minute by day, with a surge of two hours."""
    chance = random.Random(seed)
    for minute in range(days * 1440):
        at = START + timedelta(minutes=minute)
        rate = 1.0 if 8 <= at.hour < 20 else 0.2
        if SURGE <= at < SURGE + timedelta(hours=hours):
            rate *= surge
        for _ in range(sum(chance.random() < rate / 40 for _ in range(40))):
            yield at + timedelta(seconds=chance.randrange(60))


def written(path: Path, rows, header) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def told(path, *options):
    out = StringIO()
    call_command("backtest_surges", str(path), *options, stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return lines[:-1], lines[-1]


@pytest.fixture(scope="module")
def events(tmp_path_factory) -> Path:
    rows = [(at.strftime("%Y-%m-%d %H:%M:%S"), "phone") for at in arrivals()]
    return written(tmp_path_factory.mktemp("history") / "events.csv", rows, ("time", "channel"))


def test_a_surge_is_one_page_with_its_start_and_end(events):
    found, whole = told(events)
    (page,) = [one for one in found if one["level"] == "page"]
    assert page["series"] == "all"
    for name, right, minutes in (("start", SURGE, 3), ("detected", SURGE, 4), ("end", SURGE + timedelta(hours=2), 5)):
        assert abs(datetime.fromisoformat(page[name]) - right) <= timedelta(minutes=minutes), name
    assert 12 < page["peak_ratio"] < 30
    assert 1800 < page["excess"] < 2900
    assert (whole["pages"], whole["series"]) == (1, 1)
    assert 0 < whole["scores"]["notice"] < whole["scores"]["page"]
    assert whole["series_hours"] == pytest.approx(18 * 24, abs=1)
    assert whole["arrivals"] == sum(1 for _ in arrivals())


def test_counts_say_the_same_as_events(events, tmp_path):
    counted: dict[str, int] = {}
    for at in arrivals():
        counted[at.strftime("%Y-%m-%d %H:%M")] = counted.get(at.strftime("%Y-%m-%d %H:%M"), 0) + 1
    path = written(tmp_path / "counts.csv", counted.items(), ("minute", "n"))
    assert told(path, "--count", "n")[0] == told(events)[0]


def test_bins_are_known_when_they_are_over(tmp_path):
    bins: dict[datetime, int] = {START + timedelta(minutes=m): 0 for m in range(0, 18 * 1440, 5)}
    for at in arrivals():
        bins[at - timedelta(minutes=at.minute % 5, seconds=at.second)] += 1
    path = written(tmp_path / "bins.csv", [(at.isoformat(), n) for at, n in bins.items()], ("bin_start", "calls"))
    found, _ = told(path, "--count", "calls", "--bin", "5")
    (page,) = [one for one in found if one["level"] == "page"]
    detected = datetime.fromisoformat(page["detected"])
    assert detected.minute % 5 == 4
    assert timedelta() < detected - SURGE <= timedelta(minutes=10)


def test_each_series_is_judged_for_itself_and_the_plot_and_the_scores_show_them(events, tmp_path):
    rows = [(at.isoformat(), "phone") for at in arrivals()]
    rows += [(at.isoformat(), "<mail>") for at in arrivals(surge=1.0, seed=5)]
    path = written(tmp_path / "two.csv", sorted(rows), ("at", "channel"))
    plot, scores = tmp_path / "two.svg", tmp_path / "two-scores.csv"
    found, whole = told(path, "--series", "channel", "--plot", str(plot), "--scores", str(scores))
    assert {one["series"] for one in found if one["level"] == "page"} == {"phone"}
    assert whole["series"] == 2
    drawn = ElementTree.parse(plot).getroot()
    assert "<mail>" in [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert [one.get("class") for one in drawn.iter("{http://www.w3.org/2000/svg}rect")].count("page") == 1
    with scores.open() as file:
        said = list(csv.DictReader(file))
    assert set(said[0]) == {"series", "minute", "count", "expected", "score"}
    assert sum(int(row["count"]) for row in said) == len(rows)


def test_times_without_a_zone_are_the_business_s(tmp_path):
    zone = ZoneInfo("America/New_York")
    rows = [(at.astimezone(zone).replace(tzinfo=None).isoformat(),) for at in arrivals()]
    found, _ = told(written(tmp_path / "ny.csv", rows, ("time",)), "--tz", "America/New_York")
    (page,) = [one for one in found if one["level"] == "page"]
    assert page["detected"].endswith("-05:00")
    assert abs(datetime.fromisoformat(page["detected"]) - SURGE) <= timedelta(minutes=4)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_every_minute_of_a_day_on_which_clocks_change_is_read_and_written_in_its_zone(zone):
    here = ZoneInfo(zone)
    local = datetime(2026, 3, 28, 12) if zone == "Europe/Berlin" else datetime(2026, 4, 4, 12)
    times = [local + timedelta(minutes=7 * n) for n in range(300)]
    rows = "".join(f"{at:%Y-%m-%d %H:%M:%S}\n" for at in times)
    counts = backtest_file.read(StringIO("time\n" + rows), backtest_file.Columns(), here)["all"].counts
    assert list(counts) == list(dict.fromkeys(minute_of(at.replace(tzinfo=here)) for at in times))
    file = StringIO(newline="")
    scores = Scores(file, here, "a, b")
    first = min(counts)
    for minute in range(first, first + 1500):
        scores.add(Reading(minute, 1, 0.25, 2.0, 12.5))
    scores.add(Reading(first + 1500, None, 0.25, 0.0, 12.5))
    said = list(csv.reader(StringIO(file.getvalue(), newline="")))
    assert [row[1] for row in said] == [time_of(first + n).astimezone(here).isoformat() for n in range(1501)]
    assert said[0] == ["a, b", said[0][1], "1", "0.2500", "2.00"]
    assert said[-1] == ["a, b", said[-1][1], "", "0.2500", "0.00"]


def test_rows_that_are_too_short_lack_what_is_not_there():
    rows = StringIO("time,n,who\n2026-01-01 10:00,2,a\n\n2026-01-01 10:01\n1767261720,3,a\n")
    histories = backtest_file.read(rows, backtest_file.Columns(count="n", series="who"), UTC)
    start = minute_of(datetime(2026, 1, 1, 10, tzinfo=UTC))
    assert {name: one.counts for name, one in histories.items()} == {
        "": {start + 1: 0},
        "a": {start: 2, start + 2: 3},
    }


@pytest.fixture
def in_parts(monkeypatch):
    """Files of a few lines are long enough to be read in parts, three of them whatever the machine."""
    monkeypatch.setattr(backtest_file, "SHORT", 100)
    monkeypatch.setattr(backtest_file, "BLOCK", 7)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)


@pytest.mark.parametrize(
    ("end", "who", "step", "parts"),
    [
        ("\n", "a", 1, 3),
        ("\n", "a", 15, 3),
        ("\n", '"a, ""b"""', 1, 3),
        ("\n", '"a\nb"', 15, 3),
        ("\n", 'a "b', 1, 3),
        ("\r\n", '"a\nb"', 1, 3),
        ("\r", "a", 1, 1),
    ],
)
def test_a_file_that_is_read_in_parts_says_the_same_as_one_that_is_not(end, who, step, parts, tmp_path, in_parts):
    rows = [f"{START + timedelta(minutes=n // 3):%Y-%m-%d %H:%M:%S},{n % 4},{(who, 'z')[n % 2]}" for n in range(500)]
    path = tmp_path / "x.csv"
    path.write_text(end.join(["\ufefftime,n,who", *rows]), encoding="utf-8", newline="")
    columns = backtest_file.Columns(count="n", series="who")
    with path.open(encoding="utf-8-sig", newline="") as lines:
        whole = backtest_file.read(lines, columns, UTC, step)
    assert backtest_file.read_file(path, columns, UTC, step) == whole
    assert sum(sum(one.counts.values()) for one in whole.values()) == sum(n % 4 for n in range(500))
    assert len(backtest_file._parts(path, 3)) == parts


def test_what_cannot_be_understood_in_a_part_is_told_by_its_line_in_the_file(tmp_path, in_parts):
    rows = [(START + timedelta(minutes=n)).isoformat() for n in range(300)]
    rows[250] = "soon"
    path = written(tmp_path / "x.csv", [(row,) for row in rows], ("time",))
    with pytest.raises(backtest_file.BadHistory, match="line 252: 'soon'"):
        backtest_file.read_file(path, backtest_file.Columns(), UTC)


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f%z", "%s", "%s.25"])
def test_times_are_read_in_each_usual_form(form):
    times = [START + timedelta(seconds=47 * n) for n in range(400)]
    lines = ["time", *(at.strftime(form.replace("%s", str(int(at.timestamp())))) for at in times)]
    counts = backtest_file.read(lines, backtest_file.Columns(), UTC)["all"].counts
    assert list(counts) == list(dict.fromkeys(map(minute_of, times)))


@pytest.mark.parametrize("wrong", ["2026-01-05 00:1", "2026-01-05 00:61", "2026-01-05 00:01:75", "2026-01-05 00:01."])
def test_a_time_beside_good_ones_that_is_none_is_told(wrong):
    lines = ["time", "2026-01-05 00:00:00", "2026-01-05 00:01:00", wrong]
    with pytest.raises(backtest_file.BadHistory, match="line 4"):
        backtest_file.read(lines, backtest_file.Columns(), UTC)


@pytest.mark.parametrize("option", ["--scores", "--plot"])
def test_a_file_that_cannot_be_written_is_told_before_the_work(option, events, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        told(events, option, str(tmp_path / "nowhere" / "x"))


def test_what_is_less_than_a_page_is_a_notice(tmp_path):
    rows = [(at.isoformat(),) for at in arrivals(surge=2.9, hours=1, seed=7)]
    found, whole = told(written(tmp_path / "small.csv", rows, ("time",)))
    assert {one["level"] for one in found} <= {"notice"}
    assert whole["notices"] == len(found) >= 1


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", [], "empty"),
        ("time\n", [], "no rows"),
        ("time\nyesterday\n", [], "line 2: 'yesterday' is no time"),
        ("time,n\n2026-01-01,-3\n", ["--count", "n"], "line 2: '-3' is no count"),
        ("time,n\n2026-01-01,1.5\n", ["--count", "n"], "is no count"),
        ("when\n2026-01-01\n", ["--time", "time"], "no column 'time'; there are when"),
        ("time\n2026-01-01\n", ["--tz", "Mars/Base"], "no zone 'Mars/Base'"),
        ("time\n2026-01-01\n", ["--bin", "0"], "--bin is minutes"),
        ("time\n\xff\xfe", [], "decode"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_understood_is_told_in_one_line(text, options, words, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CommandError) as caught:
        told(path, *options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_is_told():
    with pytest.raises(CommandError, match="No such file"):
        told("/nowhere/x.csv")


def test_it_runs_without_a_database(events, tmp_path):
    env = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "BREAKWATER_VAR": str(tmp_path / "none")}
    ran = subprocess.run(
        [sys.executable, "manage.py", "backtest_surges", str(events)],
        cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(ran.stdout.splitlines()[-1])["pages"] == 1


def test_a_gap_of_a_file_that_writes_zeros_is_missing_and_teaches_nothing():
    rows = "".join(f"{(START + timedelta(minutes=m)).isoformat()},{m % 2}\n" for m in [*range(60), *range(120, 180)])
    history = backtest_file.read(StringIO("time,n\n" + rows), backtest_file.Columns(count="n"), ZoneInfo("UTC"))["all"]
    assert [count for _, count in history.minutes()][60:120] == [None] * 60
    without = [row for row in rows.splitlines() if not row.endswith(",0")]
    history = backtest_file.read(["time,n", *without], backtest_file.Columns(count="n"), ZoneInfo("UTC"))["all"]
    assert {count for _, count in history.minutes()} == {0, 1}
