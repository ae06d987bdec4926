"""Files are durable when they are said to be: folders are synced after the rename, one sync for all who wait for it."""

import threading
from pathlib import Path

import pytest

from tests.servers import wait_until
from tickets import blobs


def in_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_sync_under_way_does_not_do_for_who_came_after_it_began(monkeypatch, tmp_path):
    """Its folder may have been read before their file had its name: they share the next one."""
    begun, may_end = [], threading.Semaphore(0)

    def slow(folder: Path) -> None:
        begun.append(folder)
        may_end.acquire(timeout=10)

    monkeypatch.setattr(blobs, "_sync_now", slow)
    first = in_thread(lambda: blobs._sync(tmp_path))
    wait_until(lambda: len(begun) == 1, "the first sync")
    others = [in_thread(lambda: blobs._sync(tmp_path)) for _ in range(5)]
    may_end.release()
    first.join(10)
    wait_until(lambda: len(begun) == 2, "the second sync")
    assert all(thread.is_alive() for thread in others)
    may_end.release()
    for thread in others:
        thread.join(10)
    assert len(begun) == 2
    assert not any(thread.is_alive() for thread in others)


def test_who_comes_alone_has_a_sync_of_their_own(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr(blobs, "_sync_now", done.append)
    for number in range(3):
        blobs.write_durably(tmp_path / str(number), b"x")
    assert done == [tmp_path] * 3


def test_many_at_once_write_whole_files_and_leave_nothing_else(tmp_path):
    target = tmp_path / "plan.json"
    threads = [in_thread(lambda n=n: blobs.write_durably(target, bytes([n]) * 50_000)) for n in range(12)]
    for thread in threads:
        thread.join(10)
    content = target.read_bytes()
    assert (len(content), len(set(content))) == (50_000, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert target.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_finished_leaves_the_old_one(monkeypatch, tmp_path):
    target = tmp_path / "plan.json"
    blobs.write_durably(target, b"old")
    with pytest.raises(TypeError):
        blobs.write_durably(target, None)  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1
