"""Says minute by minute whether a series has left its rhythm: one small object per series, pure Python, causal.

For each of a few multiples k a Poisson CUSUM marks excursions: it leaves zero when more arrives than k explains and
forgets when it returns. An excursion is then judged as a whole (`Excursion.score`, `Outlook.evidence`): how much it
speaks against an ordinary rate that is off by chance and against arrivals that come in clumps, its largest minute
counting as the second largest; a brief one needs more, and in a quiet series what is left without the two largest
minutes needs less. The largest over k is the score; a surge starts at the threshold, which restless weeks may raise.

A manager's word counts for more: `dismiss` says that what goes on is no surge, `declare` that it is one.
"""

import math
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, tzinfo
from typing import Any

from triage.surge.baseline import SILENCE, SILENCE_MOST, STILL_EXPECTED, Baseline
from triage.surge.excursions import LEAST_ARRIVALS, MULTIPLES, Allowance, Episode, Excursion
from triage.surge.outlook import QUARTER, Outlook
from triage.surge.quarters import Cell, Minutes, minute_of
from triage.surge.quarters import time_of as time_of  # whoever feeds a detector counts in its minutes
from triage.surge.reading import Reading

THRESHOLD = 12.0
# The score at which somebody would like to look, without being woken, and the calm minutes, below half of it, after
# which that is said anew. Where the threshold is higher, so is this.
NOTICE = 8.0
NOTICE_CALM = 15
# How far above the usual daily maximum (80th percentile of so many days) a surge has to be.
DAYS_REMEMBERED = 28
ABOVE_USUAL = 1.5
# Where fewer arrivals a minute than QUIET are usual, fewer excursions begin in a year and so fewer by chance: what is
# left of one without its two largest minutes needs EASE times the logarithm of how many fewer less, in nats. It is what
# is left, for a clump or one cause that is filed several times is no rarer in a quiet series. Below QUIETEST none has
# been measured.
EASE = 1.1
QUIET = 5.0
QUIETEST = 0.03
# A glance at minutes that are not complete needs this much more, and a steep rise.
GLANCE = 1.1
STEEP = len(MULTIPLES) - 1
# An end needs so many calm minutes, each looking back over the surge's own length within these bounds; more of them
# when somebody said that it is a surge.
CALM = 15
CALM_BY_HAND = 60
LOOK_BACK = (10, 30)
# Minutes after an end in which a start goes on with the same surge.
RESUME = 180
# While doors are closed, that nobody comes says neither that a surge goes on nor that it is over, for so many minutes.
CLOSED_MOST = 16 * 60
# Minutes after which a surge is what is usual now.
FROZEN_MOST = 7 * 1440
# Expected arrivals below which a ratio says nothing.
LEAST_EXPECTED = 0.25
# While the hour is not known, a surge is also this many times the largest quarter hour ever learned. Before any has
# been, the ceiling stands for it: a busy series does not begin with a surge.
ABOVE_LARGEST = 3.0


@dataclass(slots=True)
class Detector:
    """The detector of one series. Feed it every minute in order, `save` it, `load` it and go on.

    `ceiling`: until an hour of this kind of day has been seen, more than so many arrivals in 15 minutes are a surge.
    `caution`: added to the threshold where many series are watched (the logarithm of their number).
    """

    zone: tzinfo
    ceiling: float = 300.0
    caution: float = 0.0
    baseline: Baseline = field(default_factory=Baseline)
    minute: int | None = None
    excursions: list[Excursion] = field(default_factory=lambda: [Excursion() for _ in MULTIPLES])
    window: Minutes = field(default_factory=Minutes)
    quarter: Minutes = field(default_factory=Minutes)
    maxima: list[float] = field(default_factory=list)
    today: float = 0.0
    quiet: list[float] = field(default_factory=lambda: [0.0, 0.0])
    noticed: int = 0
    episode: Episode | None = None
    resting: Episode | None = None
    rested: int = 0
    allowance: Allowance | None = None
    # Worked out once a day: the usual daily maximum. Once a quarter: when it begins, its outlook, what is expected in
    # each of its minutes, the threshold, and how much more it is worth what is left of an excursion in a quiet series.
    _usual: float | None = None
    _quarter_at: int = -1
    _outlook: Outlook | None = None
    _expected: list[float] = field(default_factory=list)
    _threshold: float = THRESHOLD
    _worth: float = 0.0

    def step(self, at: datetime, count: int | None) -> Reading:
        """Takes the next minute. None: nothing is known of it (no heartbeat); it is neither judged nor learned."""
        return self.advance(minute_of(at), count)

    def advance(self, minute: int, count: int | None) -> Reading:
        """The same in minutes since EPOCH, for those who go over many."""
        if self.minute is not None and minute <= self.minute:
            raise ValueError(f"{time_of(minute)} is not after the minute seen last")
        at = minute % QUARTER
        outlook = self._outlook
        if outlook is None or minute - at != self._quarter_at:
            outlook = self._turn(minute - at)
        self.minute = minute
        m = self._expected[at]
        if count is None:
            return Reading(minute, None, m, 0.0, self._threshold)
        self._see(count, m, outlook.least)
        event, score = self._judge(outlook, minute, count, m)
        if self.episode is None or not outlook.known:
            self.quarter.came.append(count)
            self.quarter.due.append(m * self.allowance.times if self.allowance else m)
        silent = self.quiet[0] > SILENCE and self._is_silent()
        return Reading(minute, count, m, score, self._threshold, event, silent)

    def dismiss(self, minute: int) -> None:
        """A manager says at `minute` that what goes on, or ended just now, is no surge.

        The episode is closed without an "end"; as much as its peak counts as ordinary from now on and is learned, until
        it has been away for hours. Does nothing where there is no episode.
        """
        episode = self.episode or self.resting
        if episode is None or minute < episode.began:
            return
        self.allowance = Allowance(max(episode.peak, 1.0))
        self.episode = self.resting = None
        self._forget_excursions()

    def declare(self, began: int, minute: int) -> Episode:
        """A manager says at `minute` that a surge began at `began`. Returns the episode that is open then.

        What was learned since it began is taken back, as far as a day, and nothing is learned until it ends. It may
        begin an open or resting episode earlier; it may not lie in the future.
        """
        now = minute if self.minute is None else min(minute, self.minute)
        began = min(began, now)
        count, expected = self._taken_back(began)
        known = self.episode or self.resting
        if known is None:
            self.episode = Episode(began, now, count, expected)
            self.episode.begin(now)
        else:
            self.episode, known.ended = known, None
            if began < known.began:
                known.begin_earlier(began, count, expected)
        self.resting, self.allowance = None, None
        self.episode.by_hand, self.episode.calm = True, 0
        self._forget_excursions()
        self._note_peak(self.episode, now)
        return self.episode

    def glance(self, minutes: list[tuple[datetime, int, float]]) -> Episode | None:
        """The surge that minutes after the last one show, though they may not be complete: (minute, count, share gone).

        Changes nothing. Only a steep rise far above the threshold counts, so that a second look costs no false alarm.
        """
        if self.episode or self.minute is None or not minutes:
            return None
        track = replace(self.excursions[STEEP])
        start, allowed = -1, self.allowance.times if self.allowance else 1.0
        for at, count, share in minutes:
            minute = minute_of(at)
            if start != minute - minute % QUARTER:
                start = minute - minute % QUARTER
                outlook = self.baseline.outlook(start, self.zone)
            if not outlook.known:
                return None
            track.add(minute, count, outlook.now * outlook.level * allowed * share, STEEP)
        if track.score(outlook) < GLANCE * self.threshold:
            return None
        ratio = track.n / max(track.m, LEAST_EXPECTED)
        return Episode(track.began, minute_of(minutes[-1][0]), int(track.n), track.m, ratio)

    @property
    def threshold(self) -> float:
        """The score at which a surge starts."""
        if self._usual is None:
            days = sorted(self.maxima)
            self._usual = days[min(int(0.8 * len(days)), len(days) - 1)] if days else 0.0
        return max(THRESHOLD, ABOVE_USUAL * self._usual) + self.caution

    def ratio(self, minutes: int = 10) -> float:
        """Times normal over the last minutes, at most as many as the surge is old."""
        if self.episode and self.minute is not None:
            minutes = min(minutes, max(self.minute - self.episode.began + 1, 2))
        seen, expected = self.window.sums(minutes)
        return seen / max(expected, LEAST_EXPECTED)

    def expect(self, start: datetime, step: int, number: int) -> list[tuple[float, float, float]]:
        """Expected arrivals and the band around them, of `number` stretches of `step` minutes from `start`."""
        return self.baseline.expect(minute_of(start), step, number, self.zone)

    def band(self, expected: float, doubt: float = 0.0) -> tuple[float, float]:
        """What an ordinary stretch with this many expected arrivals keeps to."""
        return self.baseline.band(expected, doubt)

    def correct(self, at: datetime, count: float) -> None:
        """Teaches the baseline arrivals that became known long after their minute was seen."""
        self.baseline.add(minute_of(at), Cell.at(minute_of(at), self.zone), count)

    def _turn(self, start: int) -> Outlook:
        """Enters the quarter that begins at `start`: learns the one that ended and prepares what is expected."""
        if self.minute is not None and self.minute < start:
            self._learn()
            if start // 1440 != self.minute // 1440:
                self.maxima = [*self.maxima, round(self.today, 2)][-DAYS_REMEMBERED:]
                self.today, self._usual = 0.0, None
        self._quarter_at, self._outlook = start, self.baseline.outlook(start, self.zone)
        self._expected, self._threshold = self._outlook.expected(), self.threshold
        ease = EASE * math.log(max(QUIET / max(self.baseline.usual(start), QUIETEST), 1.0))
        self._worth = self._threshold / (self._threshold - ease) if ease else 0.0
        return self._outlook

    def _learn(self) -> None:
        quarter, self.quarter = self.quarter, Minutes()
        if not quarter.came or self._is_frozen():
            return
        assert self.minute is not None
        start = self.minute - self.minute % QUARTER
        cell = Cell.at(start, self.zone)
        # A feed that is cut must not teach that nobody calls; one that stays silent for days, or at this time of every
        # week, may.
        if not any(quarter.came) and self._is_silent() and not self.baseline.is_usual_silence(start, cell):
            return
        self.baseline.learn(start, cell, quarter)

    def _is_silent(self) -> bool:
        """Nothing came where much was expected and still is, at an hour of which is known what is normal."""
        least, minutes = self.quiet
        if least <= SILENCE or self._outlook is None or not self._outlook.seen or minutes >= SILENCE_MOST:
            return False
        # A business that has closed for the night is quiet, not cut off.
        return self._outlook.least * minutes > STILL_EXPECTED

    def _is_frozen(self) -> bool:
        """A surge teaches nothing, unless nobody knows yet what is normal at this hour."""
        return self.episode is not None and self._outlook is not None and self._outlook.known

    def _see(self, count: int, m: float, least: float) -> None:
        came, due, quiet = self.window.came, self.window.due, self.quiet
        came.append(count)
        due.append(m)
        if len(came) > LOOK_BACK[1]:
            del came[0], due[0]
        if not count:
            quiet[0] += least
            quiet[1] += 1
        elif quiet[1]:
            quiet[0] = quiet[1] = 0.0
        if self.allowance and self.allowance.is_forgotten(*self.window.sums(LOOK_BACK[1])):
            self.allowance = None

    def _judge(self, outlook: Outlook, minute: int, count: int, m: float) -> tuple[str, float]:
        if self.episode:
            return self._follow(self.episode, outlook, minute, count, m), 0.0
        if self.resting:
            self.resting.add(minute, count, m)
            self.rested += not outlook.closed
            if self.rested > RESUME:
                self.resting = None
        if not outlook.known:
            # What looks like an excursion of something not yet known is ignorance.
            self._forget_excursions()
            return self._judge_by_ceiling(minute), 0.0
        allowed, score, enough = self.allowance.times if self.allowance else 1.0, 0.0, None
        # The mildest excursion is the last to end.
        if count or self.excursions[0].t:
            score, enough = self._weigh(outlook, minute, count, m * allowed)
        if enough:
            return self._start(enough.began, minute, int(enough.n), enough.m / allowed), score
        if score > self.today:
            self.today = score
        return self._notice(score) if score or self.noticed else "", score

    def _weigh(self, outlook: Outlook, minute: int, count: int, m: float) -> tuple[float, Excursion | None]:
        """The largest score, and the excursion that suffices: the steepest, which knows best when it began."""
        score, enough, scored, found = 0.0, None, 0, 0.0
        for which, excursion in enumerate(self.excursions):
            if not count and not excursion.t:
                break
            excursion.add(minute, count, m, which)
            if excursion.n < LEAST_ARRIVALS:
                continue
            # What began with the one before is the same stretch.
            if excursion.began != scored:
                scored, found = excursion.began, excursion.score(outlook, self._worth)
                if found > score:
                    score = found
            if found >= self._threshold:
                enough = excursion
        return score, enough

    def _notice(self, score: float) -> str:
        """Says once for every excursion that somebody might look."""
        limit = NOTICE / THRESHOLD * self._threshold
        if score < limit / 2:
            self.noticed = max(self.noticed - 1, 0)
            return ""
        event = "notice" if score >= limit and not self.noticed else ""
        if self.noticed or event:
            self.noticed = NOTICE_CALM
        return event

    def _judge_by_ceiling(self, minute: int) -> str:
        total, expected = self.window.sums(QUARTER)
        largest = self.baseline.most if self.baseline.overall[1] else self.ceiling
        if total <= max(self.ceiling, ABOVE_LARGEST * largest):
            return ""
        return self._start(minute - min(len(self.window), QUARTER) + 1, minute, int(total), expected)

    def _start(self, began: int, minute: int, total: int, expected: float) -> str:
        self._forget_excursions()
        self.noticed = 0
        self._taken_back(began)
        if self.resting:
            self.episode, self.resting = self.resting, None
            self.episode.ended, self.episode.calm = None, 0
            # What begins again may be milder, and has an end of its own.
            self.episode.begin(minute)
            self._note_peak(self.episode, minute)
            return "resume"
        self.episode = Episode(began, minute, total, expected)
        self.episode.begin(minute)
        self._note_peak(self.episode, minute)
        return "start"

    def _taken_back(self, began: int) -> tuple[int, float]:
        """Unlearns what was learned since a surge began; what came since then, and what was expected."""
        count, minutes = self.baseline.unlearn(began, self.zone)
        count, minutes = count + sum(self.quarter.came), minutes + len(self.quarter)
        self.quarter = Minutes()
        first, last = began // QUARTER, (self.minute or began) // QUARTER
        expected = self.baseline.expect(first * QUARTER, QUARTER, last - first + 1, self.zone)
        return int(count), minutes / QUARTER * sum(m for m, _, _ in expected) / len(expected)

    def _forget_excursions(self) -> None:
        if any(one.t for one in self.excursions):
            self.excursions = [Excursion() for _ in MULTIPLES]

    def _follow(self, episode: Episode, outlook: Outlook, minute: int, count: int, m: float) -> str:
        episode.add(minute, count, m)
        episode.find_end(outlook)
        self._note_peak(episode, minute)
        if outlook.closed and not count and minute - episode.last < CLOSED_MOST:
            return ""
        seen, expected = self.window.sums(min(max(episode.last - episode.began, LOOK_BACK[0]), LOOK_BACK[1]))
        episode.calm = episode.calm + 1 if episode.is_calm(seen, expected) else 0
        lasting = minute - episode.began >= FROZEN_MOST
        if episode.calm < (CALM_BY_HAND if episode.by_hand else CALM) and not lasting:
            return ""
        if lasting:
            # What goes on for a week is no surge any more: it is learned.
            self.allowance = Allowance(max(episode.ratio(), 1.0))
        episode.ended = minute + 1 if lasting else episode.last + 1
        self.episode, self.resting, self.rested = None, episode, 0
        return "end"

    def _note_peak(self, episode: Episode, minute: int) -> None:
        seen, expected = self.window.sums(min(max(minute - episode.began + 1, 2), LOOK_BACK[1]))
        episode.peak = max(episode.peak, seen / max(expected, LEAST_EXPECTED))

    def save(self) -> dict[str, Any]:
        """The whole state as JSON; settings (zone, ceiling, caution) are not part of it.

        "baseline" is most of it and changes when a quarter of an hour is learned; the rest changes every minute.
        """
        return {
            **{name: getattr(self, name) for name in PLAIN},
            "baseline": self.baseline.save(),
            "excursions": [asdict(excursion) for excursion in self.excursions],
            "window": self.window.save(),
            "quarter": self.quarter.save(),
            **{name: asdict(one) if (one := getattr(self, name)) else None for name in OPTIONAL},
        }

    @classmethod
    def load(cls, state: dict[str, Any], zone: tzinfo, *, ceiling: float = 300.0, caution: float = 0.0) -> "Detector":
        """The inverse of `save`. Of an earlier version's state the baseline and the episode are kept."""
        detector = cls(zone, ceiling=ceiling, caution=caution, **{key: state[key] for key in PLAIN if key in state})
        detector.baseline = Baseline.load(state["baseline"])
        if isinstance(state.get("quarter"), dict) and "came" in state["quarter"]:
            detector.window, detector.quarter = Minutes(**state["window"]), Minutes(**state["quarter"])
            if len(state["excursions"]) == len(MULTIPLES):
                detector.excursions = [Excursion(**one) for one in state["excursions"]]
        for name, kind in OPTIONAL.items():
            if state.get(name):
                known = {one.name for one in fields(kind)}
                setattr(detector, name, kind(**{key: value for key, value in state[name].items() if key in known}))
        return detector


# What is saved as it is, and what may be there, by its kind.
PLAIN = ("minute", "maxima", "today", "quiet", "noticed", "rested")
OPTIONAL: dict[str, Any] = {"episode": Episode, "resting": Episode, "allowance": Allowance}
