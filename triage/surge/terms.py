"""What a surge is about: the words more people write than in ordinary weeks, and the rule that tells its texts. Pure.

A term's score is the log-odds of being written, in the surge against ordinary weeks, with an informative Dirichlet
prior, over its standard deviation (Monroe, Colaresi, Quinn: Fightin' Words, Political Analysis 16, 2008, 372–403).
People are counted, not texts: whoever writes ten times has one vote. The rule joins up to four terms by "or"; which,
is chosen greedily by the F measure that is to be expected of it: of a surge in which `excess` of the people come on top
of the usual ones, a rule that c of the surge's and b of the ordinary people meet tells c − (1 − excess) b of them
rightly.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from tickets.mentions import mentions
from triage.surge.wording import PAIR, terms_of

# Letters of a text that are read, texts of one person, and buckets in which terms are counted.
LETTERS, TEXTS, BUCKETS = 3_000, 5, 1 << 20
# People who must write a term, also as a share of all; times as often as usual; and its score.
FEWEST, LEAST_SHARE, LEAST_TIMES, LEAST_SCORE = 3, 0.04, 2.0, 2.0
# Weight of the prior, in people.
PRIOR = 40.0
# Until enough is known of ordinary weeks, so many people stand in for them, who write any word at this rate.
STAND_IN, GENERAL_RATE = 100.0, 0.01
# Candidates of a rule; terms in it; what each must add to its F; how much precision weighs against recall.
CANDIDATES, RULE, GAIN, BETA = 150, 4, 0.008, 0.7
# A rule that meets more of ordinary weeks than this is none.
MOST_ORDINARY = 0.35
# The share of people who must write both parts of a pair together for it to stand for them; how many times rarer in
# ordinary weeks a pair must be than its parts to be told beside them.
TOGETHER, RARER = 0.85, 2.0
# Terms shown, the share of people in common from which two are told as one, tickets shown for each.
SHOWN, ALIKE, SAMPLES = 8, 0.7, 3
# The share of a surge's people that come on top of the usual ones, where nobody counted.
EXCESS = 0.75


@dataclass(frozen=True, slots=True)
class Written:
    """What one person wrote on one ticket: subject and new words, no quotes, no signature."""

    person: int
    ticket: int
    text: str


@dataclass(frozen=True, slots=True)
class Term:
    """Words that are mentioned (`mentions.py`): by how many people, their share of the surge and of ordinary weeks.

    One word for a term, several for a rule that joins them by "or". `ordinary` is None where there are no texts of
    ordinary weeks. `samples` are tickets, of different people.
    """

    words: tuple[str, ...]
    people: int
    share: float
    ordinary: float | None
    score: float = 0.0
    samples: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a surge is about. `people` wrote in it, `ordinary` people's texts were compared."""

    people: int = 0
    ordinary: int = 0
    terms: tuple[Term, ...] = ()
    rule: Term | None = None


People = Mapping[int, Sequence[Written]]


@dataclass(frozen=True, slots=True)
class Ordinary:
    """What people write in ordinary weeks, taken apart: whoever compares surges with it need not do so again.

    `terms`: of each person, in the same order, hashes of what they write: as words they take twenty times as much.
    """

    people: People
    terms: Sequence["array[int]"]


def taken_apart(ordinary: Iterable[Written]) -> Ordinary:
    """Finds the terms of ordinary texts. Costs in proportion to the texts, and is most of what `rising` costs."""
    people = _by_person(ordinary)
    return Ordinary(people, [array("q", map(hash, _terms(texts))) for texts in people.values()])


def rising(surge: Iterable[Written], ordinary: Ordinary, excess: float = EXCESS) -> Found:
    """The rising terms of the surge's texts, and the rule that tells them. Costs in proportion to the texts."""
    here, there = _by_person(surge), ordinary.people
    votes = _votes(here, max(FEWEST, LEAST_SHARE * len(here)))
    usual = _votes_for(votes, ordinary)
    scored = _scored(votes, usual, len(here), len(there))
    # Of equals the one that is written first: subjects say it in few words.
    candidates = sorted(_telling(scored, votes, usual), key=lambda term: -round(scored[term], 1))[:CANDIDATES]
    masks = {term: _mask(votes[term]) for term in candidates}
    masked = {term: _mask(usual.get(term, ())) for term in candidates}
    rates = _Rates(masks, masked, len(here), len(there), min(max(excess, 0.1), 1.0))
    chosen = _rule(candidates, rates)
    shown = [_measure((term,), here, there, scored[term]) for term in _apart([*chosen, *candidates], masks)]
    # What the search does not find (letters that have several lower cases) is told to nobody.
    told = {term.words[0]: term for term in shown if term.people >= FEWEST}
    rule = tuple(word for word in chosen if word in told)
    return Found(
        people=len(here),
        ordinary=len(there),
        terms=tuple(sorted(told.values(), key=lambda term: -term.share)),
        rule=_measure(rule, here, there) if rule else None,
    )


def _measure(words: Sequence[str], surge: People, ordinary: People, score: float = 0.0) -> Term:
    """How many of the people mention any of the words, by the rule that linking applies."""
    met = _mentioning(words, surge)
    usual = len(_mentioning(words, ordinary)) / len(ordinary) if ordinary else None
    samples = tuple(one.ticket for one in met[:SAMPLES])
    return Term(tuple(words), len(met), len(met) / len(surge) if surge else 0.0, usual, round(score, 2), samples)


def share_mentioning(words: Sequence[str], texts: Iterable[Written]) -> tuple[int, int]:
    """How many people mention any of the words, and of how many."""
    people = _by_person(texts)
    return len(_mentioning(words, people)), len(people)


def _mentioning(words: Sequence[str], people: People) -> list[Written]:
    """One text of each person who mentions any of the words."""
    found = (next((one for one in texts if mentions(one.text, words)), None) for texts in people.values())
    return [one for one in found if one is not None]


def _by_person(texts: Iterable[Written]) -> dict[int, list[Written]]:
    people: dict[int, list[Written]] = defaultdict(list)
    for one in texts:
        if len(people[one.person]) < TEXTS:
            people[one.person].append(Written(one.person, one.ticket, one.text[:LETTERS]))
    return people


def _votes(people: People, fewest: float) -> dict[str, list[int]]:
    """The places of the people who write each term, of terms that enough people write.

    Terms are counted in buckets first (Park, Chen, Yu 1995), so that a flood of words that nobody else writes takes no
    memory; who falls into a full bucket by chance is counted out after.
    """
    buckets = array("I", bytes(4 * BUCKETS))
    for texts in people.values():
        for bucket in {hash(term) % BUCKETS for term in _terms(texts)}:
            buckets[bucket] += 1
    votes: dict[str, list[int]] = defaultdict(list)
    for place, texts in enumerate(people.values()):
        for term in _terms(texts):
            if buckets[hash(term) % BUCKETS] >= fewest:
                votes[term].append(place)
    return {term: places for term, places in votes.items() if len(places) >= fewest}


def _votes_for(terms: Iterable[str], ordinary: Ordinary) -> dict[str, list[int]]:
    """The same for these terms alone."""
    named = {hash(term): term for term in terms}
    wanted = frozenset(named)
    votes: dict[str, list[int]] = defaultdict(list)
    for place, written in enumerate(ordinary.terms):
        for one in wanted.intersection(written):
            votes[named[one]].append(place)
    return votes


def _terms(texts: Sequence[Written]) -> dict[str, None]:
    """What one person writes, each term once, in order."""
    return dict.fromkeys(term for one in texts for term in terms_of(one.text))


def _scored(
    votes: Mapping[str, Sequence[int]], usual: Mapping[str, Sequence[int]], people: int, ordinary: int
) -> dict[str, float]:
    """Terms that rise, with their scores."""
    scored = {}
    for term, places in votes.items():
        known, of = len(usual.get(term, ())) + STAND_IN * GENERAL_RATE, ordinary + STAND_IN
        if len(places) / people >= LEAST_TIMES * known / of:
            score = log_odds(len(places), people, known, of)
            if score >= LEAST_SCORE:
                scored[term] = score
    return scored


def _telling(
    scored: Mapping[str, float], votes: Mapping[str, Sequence[int]], usual: Mapping[str, Sequence[int]]
) -> Iterator[str]:
    """Of a pair and a part of it, the one that tells more: the part, where it is as rare in ordinary weeks as the pair.

    A pair stands for its parts where nearly all write them together: "error 500" says more than "500".
    """
    rising = list(scored)
    replaced: set[str] = set()
    for pair in (term for term in rising if PAIR in term):
        parts = [part for part in pair.split(PAIR) if part in scored]
        together = len(parts) == 2 and all(len(votes[pair]) >= TOGETHER * len(votes[part]) for part in parts)
        rarer = all(len(usual.get(part, ())) > RARER * (len(usual.get(pair, ())) + 1) for part in parts)
        if together:
            replaced |= set(parts)
        elif not rarer:
            replaced.add(pair)
    yield from (term for term in rising if term not in replaced)


def log_odds(here: float, people: float, there: float, others: float) -> float:
    """Standardised log-odds of a term that `here` of `people` write, against `there` of `others`; the prior is both."""
    rate = (here + there) / (people + others)
    prior, rest = PRIOR * rate, PRIOR * (1 - rate)
    odds = log((here + prior) / (people - here + rest)) - log((there + prior) / (others - there + rest))
    return odds / sqrt(1 / (here + prior) + 1 / (there + prior))


@dataclass(frozen=True, slots=True)
class _Rates:
    """Who of the surge and of ordinary weeks writes each term, as bits."""

    here: Mapping[str, int]
    there: Mapping[str, int]
    people: int
    others: int
    excess: float

    def worth(self, here: int, there: int, terms: int) -> float:
        """The expected F of a rule of so many terms that these people meet."""
        met = here.bit_count() / self.people
        usual = (there.bit_count() + STAND_IN * GENERAL_RATE * terms) / (self.others + STAND_IN)
        if usual > MOST_ORDINARY:
            return 0.0
        right = min(max(met - (1 - self.excess) * usual, 0.0), self.excess)
        return (1 + BETA**2) * right / (met + BETA**2 * self.excess)


def _rule(candidates: Sequence[str], rates: _Rates) -> tuple[str, ...]:
    """Adds the term that is worth most, as long as one is worth adding; of equals, the one that rose more."""
    chosen: tuple[str, ...] = ()
    here, there, worth = 0, 0, 0.0
    while len(chosen) < RULE:
        best, value = "", worth + GAIN
        for term in candidates:
            now = rates.worth(here | rates.here[term], there | rates.there[term], len(chosen) + 1)
            if now > value:
                best, value = term, now
        if not best:
            return chosen
        chosen, worth = (*chosen, best), value
        here, there = here | rates.here[best], there | rates.there[best]
    return chosen


def _apart(terms: Sequence[str], masks: Mapping[str, int]) -> list[str]:
    """The first terms that are not much the same people's."""
    shown: list[str] = []
    for term in dict.fromkeys(terms):
        if len(shown) == SHOWN:
            break
        if all(_overlap(masks[term], masks[other]) < ALIKE for other in shown):
            shown.append(term)
    return shown


def _overlap(one: int, other: int) -> float:
    return (one & other).bit_count() / max((one | other).bit_count(), 1)


def _mask(places: Iterable[int]) -> int:
    mask = 0
    for place in places:
        mask |= 1 << place
    return mask
