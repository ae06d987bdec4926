import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.promised import promised
from tests.tickets.mail.hazards import HAZARDS, HEAD, nested, plain
from tickets.mail.reading import read

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def seconds(raw: bytes) -> float:
    """Processor time to read a message, the best of two: other work on the machine must not count."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        read(raw, NOW)
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize("name", HAZARDS)
def test_no_message_raises(name):
    message = read(HAZARDS[name], NOW)
    assert len(message.text) <= 500_000
    assert bool(message.visible.strip()) == bool(message.text.strip())


def test_none_takes_longer_than_sixty_times_an_ordinary_megabyte():
    ordinary = HEAD + b"\r\n" + b"An ordinary line of an ordinary mail.\r\n" * 27_000  # one megabyte
    limit = 60 * max(seconds(ordinary), 0.01)
    slow = {name: taken for name, raw in HAZARDS.items() if (taken := seconds(raw)) > limit}
    assert not slow


@pytest.mark.parametrize(("levels", "text"), [(15, "It does not work."), (1000, "")])
def test_nesting_is_followed_as_far_as_people_nest(levels, text):
    message = read(nested(levels), NOW)
    assert text in message.text
    assert ("too deeply nested" in message.payload.get("problems", [])) == (levels > 20)


def test_what_is_beyond_the_bounds_is_still_there_whole():
    message = read(nested(1000), NOW)
    assert "It does not work." in message.text or any(b"does not work" in file.content for file in message.attachments)


def test_the_sender_is_found_behind_a_wall_of_parentheses():
    assert read(plain(From=b"(" * 500 + b" jo@example.org"), NOW).sender == "jo@example.org"


def test_the_newest_references_are_kept_of_an_endless_chain():
    message = read(HAZARDS["50,000 references"], NOW)
    assert message.references[0] == "<0@example.org>"
    assert len(message.references) == 51


VALUES = st.binary(max_size=300)


@settings(max_examples=promised(150, 50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sender=VALUES,
    subject=VALUES,
    content_type=VALUES,
    disposition=VALUES,
    encoding=VALUES,
    body=st.binary(max_size=2000),
)
def test_arbitrary_bytes_in_every_place_do_not_raise(sender, subject, content_type, disposition, encoding, body):
    fields = {
        b"From": sender,
        b"Subject": b"=?" + subject,
        b"Content-Type": b"text/plain; charset=" + content_type,
        b"Content-Disposition": b"attachment; filename=" + disposition,
        b"Content-Transfer-Encoding": encoding,
    }
    head = b"".join(name + b": " + value.replace(b"\n", b"") + b"\r\n" for name, value in fields.items())
    assert read(head + b"\r\n" + body, NOW).happened_at == NOW


@settings(max_examples=promised(100, 40), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=8)), max_size=20))
def test_a_message_mutated_anywhere_does_not_raise(mutations):
    raw = bytearray(nested(3) + b"--b2--\r\n--b1--\r\n" + HEAD)
    for place, change in mutations:
        start = place % len(raw)
        raw[start : start + len(change)] = change
    assert read(bytes(raw), NOW).happened_at == NOW
