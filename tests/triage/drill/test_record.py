import pytest

from triage.drill.record import Record, UnreadableRecord, read


def test_what_was_written_is_read(tmp_path):
    record = Record(tmp_path / "sent.jsonl")
    line = {"token": "a", "medium": "web", "accepted": True, "at": "2026-03-02T10:00:00+00:00"}
    record.write(line)
    record.write(line | {"accepted": False})
    record.close()
    assert [entry["accepted"] for entry in read(tmp_path / "sent.jsonl")] == [True, False]
    assert (record.sent, record.accepted) == (2, 1)


@pytest.mark.parametrize("text", ["no json\n", "{}\n", "[1]\n"])
def test_a_file_that_is_no_record_is_named_with_its_line(tmp_path, text):
    (tmp_path / "other").write_text(text)
    with pytest.raises(UnreadableRecord, match="line 1"):
        list(read(tmp_path / "other"))
