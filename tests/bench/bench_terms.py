"""What a surge is said to be about, held against labelled requests: precision and recall of the rule that is offered.

Each of 38 topics surges, with a tenth to half of what comes in about everything else. One half of the texts is seen
(the surge, and ordinary weeks); the rule is judged on the other half, mixed the same way. Beside it, in the same run,
the three words that rank first by TF-IDF, and the three that most people write. Ranges are bootstrapped over topics.
"""

import csv
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from statistics import fmean

from tickets.mentions import mentions
from triage.surge.common_words import COMMON
from triage.surge.terms import Written, rising, taken_apart
from triage.surge.wording import terms_of

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
SURGE = 40
ORDINARY = 2000
PLAIN = 3
Texts = Sequence[str]
Rule = Callable[[Texts, Texts, float], Sequence[str]]


def written(texts: Texts) -> list[Written]:
    return [Written(number, number, text) for number, text in enumerate(texts)]


def ours(surge: Texts, ordinary: Texts, excess: float) -> Sequence[str]:
    found = rising(written(surge), taken_apart(written(ordinary)), excess)
    return found.rule.words if found.rule else ()


def guessed(surge: Texts, ordinary: Texts, excess: float) -> Sequence[str]:
    """Ours, where nobody knows how much of the surge is ordinary."""
    found = rising(written(surge), taken_apart(written(ordinary)))
    return found.rule.words if found.rule else ()


def tf_idf(surge: Texts, ordinary: Texts, excess: float) -> Sequence[str]:
    """The words whose TF-IDF is the largest over the surge; the frequencies of ordinary weeks are the documents."""
    known = Counter(word for text in ordinary for word in set(singles(text)))
    total = Counter(word for text in surge for word in singles(text))
    worth = {word: count * log((1 + len(ordinary)) / (1 + known[word])) for word, count in total.items()}
    return sorted(worth, key=lambda word: (-worth[word], word))[:PLAIN]


def frequent(surge: Texts, ordinary: Texts, excess: float) -> Sequence[str]:
    """The words that most people write, those aside that everybody writes about everything."""
    people = Counter(word for text in surge for word in set(singles(text)) if word not in COMMON)
    return sorted(people, key=lambda word: (-people[word], word))[:PLAIN]


def singles(text: str) -> list[str]:
    return [term for term in terms_of(text) if " " not in term]


RULES: dict[str, Rule] = {
    "rising terms": ours,
    "rising terms, share unknown": guessed,
    "TF-IDF, first three": tf_idf,
    "most frequent three": frequent,
}


def topics(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            found[row["topic"]].append(row["text"])
    return {topic: texts for topic, texts in sorted(found.items()) if len(texts) >= 30}


def halves(texts: Sequence[str], dice: random.Random) -> tuple[list[str], list[str]]:
    mixed = dice.sample(texts, len(texts))
    return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]


def judged(words: Sequence[str], about: Texts, others: Texts, share: float) -> tuple[float, float]:
    """Precision, with this share of others among what comes in, and recall."""
    hits = fmean(mentions(text, words) for text in about)
    wrong = fmean(mentions(text, words) for text in others)
    met = (1 - share) * hits + share * wrong
    return ((1 - share) * hits / met if met else 0.0), hits


def measure(data: dict[str, list[str]], seed: int, names: Sequence[str]) -> dict[tuple[str, str, float], tuple]:
    dice = random.Random(seed)
    split = {topic: halves(texts, dice) for topic, texts in data.items()}
    results = {}
    for topic in names:
        seen, kept = split[topic]
        others = [text for other, (first, _) in split.items() if other != topic for text in first]
        held = [text for other, (_, second) in split.items() if other != topic for text in second]
        for share in SHARES:
            number = min(round(SURGE * (1 - share)), len(seen))
            rest = dice.sample(others, round(number * share / (1 - share)))
            surge, gone = dice.sample(seen, number) + rest, set(rest)
            # An ordinary week has the topic too, as often as any other.
            ordinary = dice.sample([text for text in others + seen if text not in gone], min(ORDINARY, len(others)))
            for name, rule in RULES.items():
                words = rule(surge, ordinary, 1 - share)
                results[topic, name, share] = (*judged(words, kept, held, share), share_of(words, ordinary), words)
    return results


def share_of(words: Sequence[str], texts: Texts) -> float:
    return fmean(mentions(text, words) for text in texts)


def f_of(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def interval(values: Sequence[float]) -> str:
    """The mean, and where it lies in 95 of 100 samples of as many topics."""
    dice = random.Random(1)
    means = sorted(fmean(dice.choices(values, k=len(values))) for _ in range(400))
    return f"{fmean(values):.2f} ({means[10]:.2f}–{means[389]:.2f})"


def say(results: dict, names: Sequence[str], title: str) -> None:
    print(f"\n{title}: {len(names)} topics, surges of {SURGE} texts")
    print(f"{'rule':30} {'others':>7} {'precision':>19} {'recall':>19} {'F1':>19} {'of ordinary':>11}")
    for name in RULES:
        for shares in [*((share,) for share in SHARES), SHARES]:
            rows = [[results[topic, name, share] for share in shares] for topic in names]
            precision = [fmean(one[0] for one in row) for row in rows]
            recall = [fmean(one[1] for one in row) for row in rows]
            f1 = [fmean(f_of(one[0], one[1]) for one in row) for row in rows]
            ordinary = fmean(one[2] for row in rows for one in row)
            label = "all" if len(shares) > 1 else f"{shares[0]:.0%}"
            figures = " ".join(f"{interval(values):>19}" for values in (precision, recall, f1))
            print(f"{name:30} {label:>7} {figures} {ordinary:11.1%}")


def say_speed(data: dict[str, list[str]]) -> None:
    texts = [text for some in data.values() for text in some]
    dice = random.Random(2)
    surge, ordinary = dice.sample(texts, 2000), dice.sample(texts, 2000)
    began = time.process_time()
    rising(written(surge), taken_apart(written(ordinary)))
    spent = time.process_time() - began
    began = time.process_time()
    for text in surge + ordinary:
        text.casefold().split()
    bare = time.process_time() - began
    print(f"\n2,000 texts against 2,000 of ordinary weeks: {spent * 1000:.0f} ms of CPU,", end=" ")
    print(f"{spent / bare:.0f} times splitting them at spaces")


def main(seed: int = 1, verbose: int = 0) -> None:
    folder = os.environ.get("BREAKWATER_DATA", "")
    path = Path(folder) / "topics" / "bank_requests.csv"
    if not folder or not path.is_file():
        print(
            "BREAKWATER_DATA does not name a folder with topics/bank_requests.csv: nothing to measure.", file=sys.stderr
        )
        raise SystemExit(2)
    data = topics(path)
    names = list(data)
    for some, title in ((names[::2], "Topics it was fitted on"), (names[1::2], "Topics kept back")):
        results = measure(data, seed, some)
        say(results, some, title)
        if verbose:
            for topic in some:
                print(
                    f"{topic:40}",
                    *(f"{share:.0%}: {' or '.join(results[topic, 'rising terms', share][3])};" for share in (0.1, 0.5)),
                )
    say_speed(data)


if __name__ == "__main__":
    main()
