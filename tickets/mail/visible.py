"""The new words of a reply: quoted text and signature folded away, never everything."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from tickets.mail import attributions, signatures

# Lines and characters looked at: nobody writes more, and what is beyond is part of the last line.
MOST_LINES, MOST_CHARACTERS = 10_000, 500_000

_QUOTED = re.compile(r"^(?:>|[A-Z]{1,3}>(?:\s|$))")
_BARS = re.compile(r"^\|(?:\s|$)")
_PGP_HEAD = re.compile(r"\A\s*-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Z][\w-]*: [^\n]*\n)*\n")
_PGP_SIGNATURE = re.compile(r"(?ms)^-----BEGIN PGP SIGNATURE-----$.*?(?:^-----END PGP SIGNATURE-----$|\Z)")
_RULE = re.compile(r"^[-_=*\s]{3,}$")
_FENCE = "```"


@dataclass(slots=True)
class _Lines:
    """A text by lines: as they stand, as they are compared, and what each is part of."""

    shown: list[str]
    bare: list[str]
    quoted: list[bool]
    code: list[bool]
    # Lines of introductions ("On … wrote:") and of heads (copied headers, markers): the first, and where it ends.
    introductions: dict[int, int] = field(default_factory=dict)
    heads: dict[int, int] = field(default_factory=dict)
    # Places of the writer's own words, and of quoted lines, in order.
    own: list[int] = field(default_factory=list)
    quotes: list[int] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)


def visible_reply(text: str) -> str:
    """`text` without what was quoted and the signature; all of it where nothing else would be left."""
    new = _PGP_SIGNATURE.sub("", _PGP_HEAD.sub("", text)) if "-----BEGIN PGP" in text else text
    shown = new[:MOST_CHARACTERS].split("\n", MOST_LINES)
    shown[-1] += new[MOST_CHARACTERS:]
    lines = _told_apart(shown)
    end = _under_heads(lines)
    end = _without_signature(lines, end)
    end = _under_introductions(lines, end)
    end = _without_signature(lines, _without_trailing_quotes(lines, end))
    reply = "\n".join(lines.shown[place].rstrip() for place in range(end) if place not in lines.dropped)
    return re.sub(r"\n{3,}", "\n\n", reply).strip("\n") or text.strip()


def _told_apart(shown: list[str]) -> _Lines:
    bare = [attributions.bare(line) for line in shown]
    code = _in_fences(bare)
    quoted = [not code[place] and _is_quoted(line) for place, line in enumerate(bare)]
    lines = _Lines(shown, bare, quoted, code)
    after = _quoted_next(lines)
    for place, line in enumerate(bare):
        if line and not quoted[place] and not code[place]:
            if length := attributions.header_block(bare, place):
                lines.heads[place] = place + length
            elif table := attributions.domino_block(bare, place):
                lines.heads[table[0]] = table[1]
            elif attributions.is_marker(line):
                lines.heads[place] = place + 1
            elif length := attributions.introduction(bare, place, after[place]):
                lines.introductions[place - length + 1] = place + 1
                _mark_bars(lines, place + 1)
    said_by_programs = {
        place
        for spans in (lines.heads, lines.introductions)
        for first, after in spans.items()
        for place in range(first, after)
    }
    lines.quotes = [place for place, is_quoted in enumerate(quoted) if is_quoted]
    lines.own = [p for p, line in enumerate(bare) if line and not quoted[p] and p not in said_by_programs]
    return lines


def _any(places: list[int], start: int, end: int) -> bool:
    """Whether one of these places, which are in order, is from `start` on and before `end`."""
    found = bisect_left(places, start)
    return found < len(places) and places[found] < end


def _is_quoted(line: str) -> bool:
    return bool(_QUOTED.match(line)) and not attributions.is_end_of_address(line)


def _in_fences(bare: list[str]) -> list[bool]:
    """Which lines stand between fences of code (```); one without an end opens nothing."""
    fences = [place for place, line in enumerate(bare) if line.startswith(_FENCE)]
    code = [False] * len(bare)
    for first, last in zip(fences[::2], fences[1::2], strict=False):
        code[first : last + 1] = [True] * (last + 1 - first)
    return code


def _quoted_next(lines: _Lines) -> list[bool]:
    """Whether the next line with words on it, after each line, is quoted."""
    found, quoted = [False] * len(lines.bare), False
    for place in range(len(lines.bare) - 1, -1, -1):
        found[place] = quoted
        if lines.bare[place]:
            quoted = lines.quoted[place] or bool(_BARS.match(lines.bare[place]))
    return found


def _mark_bars(lines: _Lines, place: int) -> None:
    """Some clients quote with bars; elsewhere these are tables."""
    while place < len(lines.bare) and (not lines.bare[place] or _BARS.match(lines.bare[place])):
        lines.quoted[place] = bool(lines.bare[place])
        place += 1


def _under_heads(lines: _Lines) -> int:
    """Where the first copied message begins that words stand above. Of a bare forward the head goes."""
    size = len(lines.bare)
    for first, after in lines.heads.items():
        begin = first
        while begin and (not lines.bare[begin - 1] or _RULE.match(lines.bare[begin - 1])):
            begin -= 1
        if _any(lines.own, 0, begin):
            return begin
        if _any(lines.own, after, size) or _any(lines.quotes, after, size):
            lines.dropped.update(range(begin, after))
    return size


def _under_introductions(lines: _Lines, end: int) -> int:
    """Where the quoted rest begins. Between answers, and above a text, introductions go and what they quote stays."""
    for first, after in lines.introductions.items():
        if after > end:
            break
        above = _any(lines.own, 0, first)
        quote_end = _end_of_quote(lines, after, end)
        below = _any(lines.own, quote_end, end)
        if above and (quote_end == after or not below):
            return first
        if above or below:
            lines.dropped.update(range(first, after))
        if below and not above and not _any(lines.quotes, quote_end, end):
            lines.dropped.update(range(after, quote_end))
    return end


def _end_of_quote(lines: _Lines, start: int, end: int) -> int:
    """Where the quotation that begins here ends; `start` itself where none begins."""
    last = start
    for place in range(start, end):
        if lines.quoted[place]:
            last = place + 1
        elif lines.bare[place]:
            break
    return last


def _without_trailing_quotes(lines: _Lines, end: int) -> int:
    last = end
    while last and (lines.quoted[last - 1] or not lines.bare[last - 1] or last - 1 in lines.dropped):
        last -= 1
    return last if _any(lines.own, 0, last) else end


def _without_signature(lines: _Lines, end: int) -> int:
    """Where the signature begins; quotations and code look like none."""
    places = [place for place in range(end) if place not in lines.dropped]
    compared = [">" if lines.quoted[place] else "code" if lines.code[place] else lines.bare[place] for place in places]
    last = signatures.ending(compared)
    return places[last] if last < len(places) and _any(lines.own, 0, places[last]) else end
