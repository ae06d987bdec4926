"""Surge detection by the protocol: false pages, delays beside an oracle and peers, the long surge, the first days.

`make bench ARGS=surges` takes three minutes; `ARGS="surges full"` has nine times as many simulated years and more
injections, `ARGS="surges 30"` so many simulated series, and both as many more years for false pages alone as MORE says;
`ARGS="surges first"` looks at what was tuned on (the first halves, seeds below 100) instead of the rest.
"""

import os
import sys
from collections import defaultdict
from pathlib import Path

from tests.bench.surges import episodes, report
from tests.bench.surges.injections import judge
from tests.bench.surges.series import Series, corners, real
from tests.bench.surges.simulation import simulated

# Simulated series, and starts of injections in a series.
QUICK = (8, 12)
FULL = (72, 32)
# Times as many simulated series are looked at for false pages alone, which are rare; their seeds begin at APART.
MORE, APART = 3, 400


def chosen(folder: Path, tuning: bool, number: int) -> list[Series]:
    seeds = range(number) if tuning else range(100, 100 + number)
    return [*real(folder, "first" if tuning else "second"), *(simulated(seed) for seed in seeds)]


def main(*arguments: str | int) -> None:
    folder = os.environ.get("BREAKWATER_DATA", "")
    if not folder:
        sys.exit("set BREAKWATER_DATA to the folder of real data")
    sizes = [one for one in arguments if isinstance(one, int)]
    unknown = set(arguments) - {"full", "first", *sizes}
    if unknown:
        sys.exit(f"there is full, first and a number of simulated series, but no {', '.join(map(str, unknown))}")
    number, injected = FULL if "full" in arguments or sizes else QUICK
    number = sizes[0] if sizes else number
    everything = [judge(one, injected) for one in chosen(Path(folder), "first" in arguments, number)]
    apart = []
    if "first" not in arguments:
        more = range(APART, APART + MORE * number) if "full" in arguments or sizes else ()
        apart = [judge(one, 0) for one in (*corners(Path(folder)), *map(simulated, more))]
    report.false_pages([*everything, *apart])
    by_kind = defaultdict(list)
    for one in everything:
        by_kind["simulated" if one.series.family == "simulated" else "real"].append(one)
    for kind, some in by_kind.items():
        report.delays(kind, [one for one in some if one.series.family != "polled"])
    episodes.long_surges(everything)
    episodes.first_days(everything)
