"""Files in uuencode: as a part's transfer encoding, and in the middle of a text, as old mail programs sent them."""

import binascii
import re

# Files in one text.
MOST_FILES = 100

_BEGIN = re.compile(rb"(?m)^begin [0-7]{3,4} ([^\r\n]{1,250}?)[ \t]*\r?\n")
_END = re.compile(rb"(?m)^end[ \t]*\r?$\n?")
# The first line of a file of any length: its length byte, and nothing that uuencode does not write.
_FIRST = re.compile(rb"[!-`][ -`]{2,}\r?\n|`\r?\n")


def decoded(body: bytes) -> bytes:
    """The file in a body that is uuencoded as a whole; the body itself where there is none."""
    start = _BEGIN.search(body)
    return _lines(body[start.end() :]) if start else body


def taken_out(text: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """A text without the files that stand in it, and their names and contents."""
    kept: list[bytes] = []
    files: list[tuple[bytes, bytes]] = []
    position = 0
    while len(files) < MOST_FILES and (start := _BEGIN.search(text, position)):
        end = _END.search(text, start.end())
        if end is None:
            break
        kept.append(text[position : start.start()])
        if _FIRST.match(text, start.end()):
            files.append((start[1], _lines(text[start.end() : end.start()])))
        else:
            kept.append(text[start.start() : end.end()])
        position = end.end()
    return b"".join([*kept, text[position:]]), files


def _lines(body: bytes) -> bytes:
    found = []
    for line in body.split(b"\n"):
        if line.strip() in (b"end", b"`"):
            break
        if not line.strip():
            continue
        try:
            found.append(binascii.a2b_uu(line.rstrip(b"\r")))
        except binascii.Error:
            # Encoders that pad wrongly: as many characters as the length byte asks for.
            found.append(_tolerant(line[: (((line[0] - 32) & 63) * 4 + 5) // 3]))
    return b"".join(found)


def _tolerant(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        return b""
