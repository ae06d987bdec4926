"""Nudges through files: whole, in order, each once, and a broken one stops nobody."""

import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue

from triage.file_broker import Transport

QUEUE = Queue("live", Exchange("live"), routing_key="live")


@pytest.fixture
def connection(tmp_path):
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
        "polling_interval": 0.01,
    }
    # What was declared elsewhere is remembered by the process; these folders are new.
    Transport.global_state.clear()
    with Connection("files://localhost//", transport_options=options) as connection:
        yield connection


def send(connection: Connection, *bodies: object) -> None:
    channel = connection.channel()
    QUEUE(channel).declare()
    producer = Producer(channel, QUEUE.exchange, routing_key="live")
    for body in bodies:
        producer.publish(body)


def received(connection: Connection, count: int) -> list[object]:
    got: list[object] = []

    def keep(body, message):
        got.append(body)
        message.ack()

    with Consumer(connection.channel(), QUEUE, callbacks=[keep]):
        while len(got) < count:
            connection.drain_events(timeout=5)
    return got


def test_nudges_arrive_in_order(connection):
    send(connection, *range(20))
    assert received(connection, 20) == list(range(20))


def test_readers_beside_writers_see_whole_messages(connection):
    """Each goes through once, however readers and writers meet."""
    text = "x" * 20_000

    def write(number):
        with connection.clone() as own:
            send(own, *(f"{number}:{step}:{text}" for step in range(100)))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    got = received(connection, 400)
    for writer in writers:
        writer.join()
    assert {str(body).rpartition(":")[0] for body in got} == {f"{n}:{s}" for n in range(4) for s in range(100)}
    assert all(str(body).endswith(text) for body in got)


def test_who_declares_at_the_same_moment_sees_a_whole_table(connection, tmp_path):
    faults = []

    def declare():
        try:
            with connection.clone() as own:
                send(own, "x")
        except Exception as error:
            faults.append(error)

    for _ in range(40):
        (tmp_path / "control" / "live.exchange").unlink(missing_ok=True)
        Transport.global_state.clear()
        threads = [threading.Thread(target=declare) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert faults == []


def test_a_broken_message_is_dropped_and_the_next_is_read(connection, tmp_path):
    send(connection, "first")
    whole = next((tmp_path / "messages").glob("*.msg"))
    (whole.parent / f"-{whole.name}").write_bytes(b"")
    with pytest.raises(Empty):
        connection.channel()._get("live")
    assert received(connection, 1) == ["first"]
    assert not list(Path(whole.parent).iterdir())
