"""Nothing that reached us is lost: kept in the database, or on disk while the database is away, and once in both."""

import contextlib
import fcntl
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection, connections, transaction

from tests.servers import wait_until
from tickets import blobs, journal, spool
from tickets.journal import Incoming
from tickets.models import Arrival

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def incoming(key="one", **values) -> Incoming:
    return Incoming(**{"channel": "web_form", "key": key, "sender": "jo@example.org", "happened_at": NOON, **values})


def record_of(key="one", **values) -> spool.Record:
    plain = {"channel": "web_form", "key": key, "sender": "", "happened_at": NOON.isoformat(), "payload": {}}
    return {**plain, **values}


# ── accepting in the calling thread ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_retry_finds_its_row():
    first = journal.accept(incoming(payload={"text": "first"}))
    again = journal.accept(incoming(payload={"text": "again"}))
    assert first == again == journal.Acceptance("database", Arrival.objects.get().pk)
    assert Arrival.objects.get().payload == {"text": "first"}


@pytest.mark.django_db
def test_the_same_key_at_two_doors_is_two_arrivals():
    journal.accept(incoming())
    journal.accept(incoming(channel="api"))
    assert Arrival.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("half \ud83d", "half ?"),
        (float("nan"), None),
        (float("inf"), None),
        ({"k\0": ["\0", 1.5, True, None]}, {"k\ufffd": ["\ufffd", 1.5, True, None]}),
        (("tu", "ple"), ["tu", "ple"]),
    ],
)
def test_what_a_database_cannot_keep_is_made_keepable(sent, kept):
    accepted = journal.accept(incoming(payload={"value": sent}, sender="jo\0@example.org"))
    arrival = Arrival.objects.get(pk=accepted.arrival)
    assert arrival.payload == {"value": kept}
    assert arrival.sender == "jo\ufffd@example.org"


@pytest.mark.django_db
@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 1_000_000])
def test_a_body_comes_back_byte_for_byte(size):
    body = (b"\0\xff\r\n" * (size // 4 + 1))[:size]
    arrival = Arrival.objects.get(pk=journal.accept(incoming(body=body)).arrival)
    assert journal.body_of(arrival) == body
    assert bool(arrival.blob) is (size > 16_384)


@pytest.mark.parametrize("length", [255, 256, 5000])
def test_every_key_fits_its_column(length):
    assert len(journal.key_of("k" * length)) <= 255
    assert journal.key_of("k" * length) != journal.key_of("k" * (length - 1) + "l")


@pytest.mark.django_db
def test_a_batch_keeps_its_order_and_its_doubles():
    ids = journal.record([incoming("b"), incoming("a"), incoming("b")])
    assert ids[0] == ids[2] != ids[1]
    assert list(Arrival.objects.order_by("key").values_list("key", "pk")) == [("a", ids[1]), ("b", ids[0])]


@pytest.mark.django_db
def test_what_the_database_refuses_is_on_disk_and_never_confirmed_without_it():
    assert journal.accept(incoming(counts_as="nonsense")) == journal.Acceptance("spool")
    assert journal.accept(incoming("two")).stored == "database"


# ── the spool ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_copy_of_a_key_stands():
    path = spool.write(record_of(payload={"n": 1}))
    assert spool.write(record_of(payload={"n": 2})) == path
    assert json.loads(path.read_text())["payload"] == {"n": 1}
    assert spool.write(record_of(channel="api")) != path


def test_files_are_drained_the_oldest_first_and_in_bounded_steps():
    for number in range(5):
        spool.write(record_of(f"k{number}"))
    seen: list[str] = []
    assert spool.drain(lambda records: seen.extend(one["key"] for one in records), 2) == 2
    assert spool.drain(lambda records: seen.extend(one["key"] for one in records)) == 3
    assert seen == ["k0", "k1", "k2", "k3", "k4"]
    assert spool.waiting() == []


@pytest.mark.django_db
def test_what_cannot_be_drained_moves_aside_and_holds_up_nobody():
    spool.write(record_of("good"))
    spool.write(record_of("refused", counts_as="nonsense"))
    spool.write(record_of("timeless", happened_at="yesterday"))
    spool.write({"channel": "web_form", "key": "halved"})
    (spool.folder() / "torn.json").write_bytes(b'{"channel": "web_f')
    (spool.folder() / "list.json").write_bytes(b"[]")
    spool.write(record_of("last"))
    assert spool.drain(journal.store) == 2
    assert set(Arrival.objects.values_list("key", flat=True)) == {"good", "last"}
    assert len(list(spool.bad_folder().glob("*.json"))) == 5
    assert spool.waiting() == []


def test_a_database_that_is_away_leaves_every_file_in_place():
    spool.write(record_of())

    def away(records: list[spool.Record]) -> None:
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        spool.drain(away)
    assert len(spool.waiting()) == 1
    assert not spool.bad_folder().exists()


def test_one_process_drains_at_a_time():
    spool.write(record_of())
    with (spool.folder() / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert spool.drain(lambda records: None) == 0
    assert spool.drain(lambda records: None) == 1


def test_a_file_half_written_when_the_power_failed_is_not_taken_for_an_arrival():
    spool.write(record_of())
    (spool.folder() / ".abc.tmp").write_bytes(b'{"chan')
    assert len(spool.waiting()) == 1


# ── the writer thread, with a real database that hangs ───────────────────────────────────────────────────────────────


@pytest.fixture
def writer(transactional_db, settings, monkeypatch) -> Iterator[journal.Writer]:
    """This process's writer, as front and desk have it."""
    settings.JOURNAL_THREAD = True
    # Only what a test lets hang shall hang, however busy the machine is.
    settings.JOURNAL_PATIENCE = 5
    made = journal.Writer()
    monkeypatch.setattr(journal, "writer", lambda: made)
    yield made
    made.close()


@contextlib.contextmanager
def hanging_database() -> Iterator[None]:
    """Somebody holds what the journal writes to, and does not let go."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE tickets_arrival IN ACCESS EXCLUSIVE MODE")
        yield


def at_once(count: int, act) -> list:
    results: list = [None] * count

    def run(place: int) -> None:
        results[place] = act(place)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_request_is_acknowledged_when_its_row_is_committed(writer):
    accepted = journal.accept(incoming())
    assert accepted == journal.Acceptance("database", Arrival.objects.get().pk)


def test_what_gathers_while_the_database_is_busy_is_committed_together(writer, monkeypatch):
    groups: list[int] = []
    write = journal._write
    monkeypatch.setattr(journal, "_write", lambda records: (groups.append(len(records)), write(records))[1])
    released = threading.Timer(0.3, lambda: hold.set())
    hold = threading.Event()
    with hanging_database():
        waiting = threading.Thread(target=lambda: at_once(30, lambda place: journal.accept(incoming(f"k{place}"))))
        waiting.start()
        released.start()
        hold.wait()
    waiting.join()
    assert Arrival.objects.count() == sum(groups) == 30
    assert len(groups) < 10
    assert spool.waiting() == []


def test_a_hanging_database_costs_one_wait_and_then_none(writer, settings):
    settings.JOURNAL_PATIENCE, settings.JOURNAL_BREAKER_SECONDS = 0.2, 3600
    with hanging_database():
        accepted = at_once(4, lambda place: journal.accept(incoming(f"k{place}")))
        assert accepted == [journal.Acceptance("spool")] * 4
        assert writer.breaker.is_open
        # From now on nobody waits: with patience without end, this would never come back.
        settings.JOURNAL_PATIENCE = 3600
        assert journal.accept(incoming("later")).stored == "spool"
        # The breaker closes after its time; the thread that still hangs is no reason to wait again.
        writer.breaker.reset()
        settings.JOURNAL_PATIENCE = 0
        assert journal.accept(incoming("still")).stored == "spool"
        settings.JOURNAL_PATIENCE = 5
    writer.breaker.reset()
    wait_until(lambda: Arrival.objects.count() == 6 and not spool.waiting(), "the spool is drained")
    assert Arrival.objects.values("channel", "key").distinct().count() == 6


def test_a_commit_that_comes_late_and_the_spool_are_one(writer, settings):
    settings.JOURNAL_PATIENCE, settings.JOURNAL_BREAKER_SECONDS = 0.2, 0
    with hanging_database():
        assert journal.accept(incoming(payload={"kept": "twice"})).stored == "spool"
    wait_until(lambda: Arrival.objects.exists() and not spool.waiting(), "both ways have ended")
    settings.JOURNAL_PATIENCE = 5
    assert journal.accept(incoming()).arrival == Arrival.objects.get().pk


def test_readers_are_told_of_everyone_and_of_a_flood_in_few_words(writer, monkeypatch):
    told: list[list[int]] = []
    monkeypatch.setattr(journal, "_nudge", lambda ids: told.append(list(ids)))
    monkeypatch.setattr(journal, "NUDGES", 0.5)
    first = journal.accept(incoming("first")).arrival
    wait_until(lambda: told, "the first is told of at once")
    for number in range(60):
        journal.accept(incoming(f"k{number}"))
    wait_until(lambda: sum(map(len, told)) == 61, "the readers know of all")
    assert told[0] == [first]
    assert sorted(pk for ids in told for pk in ids) == sorted(Arrival.objects.values_list("pk", flat=True))
    assert len(told) < 20


def test_a_writer_that_ends_tells_of_what_it_has_committed(transactional_db, settings, monkeypatch):
    told: list[list[int]] = []
    monkeypatch.setattr(journal, "_nudge", lambda ids: told.append(list(ids)))
    monkeypatch.setattr(journal, "NUDGES", 3600)
    settings.JOURNAL_PATIENCE = 5
    ending = journal.Writer()
    ids = {ending.submit(record_of(f"k{number}")) for number in range(3)}
    ending.close()
    assert {pk for some in told for pk in some} == ids


def test_the_same_key_many_times_at_once_is_one_row(writer):
    accepted = at_once(12, lambda place: journal.accept(incoming()))
    assert set(accepted) == {journal.Acceptance("database", Arrival.objects.get().pk)}


def test_one_that_is_refused_costs_its_neighbours_nothing(writer):
    kinds = ["", "nonsense", "contact", ""]
    accepted = at_once(4, lambda place: journal.accept(incoming(f"k{place}", counts_as=kinds[place])))
    assert [one.stored for one in accepted] == ["database", "spool", "database", "database"]
    assert not writer.breaker.is_open
    wait_until(lambda: any(spool.bad_folder().glob("*.json")), "the refused one is set aside")


def test_what_earlier_processes_left_is_adopted_and_does_not_make_newcomers_wait(writer, monkeypatch):
    monkeypatch.setattr(journal, "DRAIN", 10)
    for number in range(35):
        spool.write(record_of(f"left{number}"))
    assert journal.accept(incoming("new")).stored == "database"
    wait_until(lambda: Arrival.objects.count() == 36 and not spool.waiting(), "the spool is drained")
    assert Arrival.objects.get(key="left0").happened_at == NOON


def test_nothing_is_confirmed_that_neither_database_nor_disk_keep(writer, settings, tmp_path):
    settings.JOURNAL_PATIENCE = 0.2
    settings.VAR = tmp_path / "full"
    settings.VAR.write_text("no folder can be made here, as on a disk without room")
    with hanging_database(), pytest.raises(journal.NotKept):
        journal.accept(incoming())
    settings.MEDIA_ROOT = settings.VAR / "blobs"
    with pytest.raises(journal.NotKept):
        journal.accept(incoming(body=b"large" * 10_000))


def test_a_full_disk_does_not_keep_a_well_database_from_taking_what_arrives(writer, settings, tmp_path):
    spool.write(record_of("left"))
    (spool.folder() / ".lock").mkdir()
    assert journal.accept(incoming("one")).stored == "database"
    assert journal.accept(incoming("two")).stored == "database"
    assert not writer.breaker.is_open
    (spool.folder() / ".lock").rmdir()


def test_the_writer_looks_whether_the_database_is_back_so_that_no_caller_has_to(writer, settings, monkeypatch):
    settings.JOURNAL_BREAKER_SECONDS = 0.1
    asked = []

    def away(self):
        asked.append(1)
        if len(asked) < 3:
            raise OperationalError("away")
        return real(self)

    database = type(connections["default"])
    real = database.ensure_connection
    monkeypatch.setattr(database, "ensure_connection", away)
    writer.breaker.trip()
    # Nobody calls meanwhile, and nobody would have to wait.
    assert not writer.breaker.wants_a_look
    assert journal.accept(incoming("meanwhile")).stored == "spool"
    wait_until(lambda: not writer.breaker.is_open, "the breaker closes by itself")
    monkeypatch.undo()
    assert len(asked) >= 3
    wait_until(lambda: Arrival.objects.filter(key="meanwhile").exists(), "the spool is drained")


def test_a_blob_is_whole_or_absent(settings, tmp_path):
    digest = blobs.put(b"x" * 20_000)
    assert blobs.read(digest) == b"x" * 20_000
    assert [path.name for path in (tmp_path / "blobs" / digest[:2]).iterdir()] == [digest]
