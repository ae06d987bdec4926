"""A backtest of several series, on all processors: each is gone over by itself, and handed on when it is done."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from triage.surge import backtest
from triage.surge.backtest_plot import Trace
from triage.surge.backtest_scores import Scores
from triage.surge.reading import Reading

# Rows below which it takes longer to start processes than to go over them.
FEW = 20_000


@dataclass(frozen=True, slots=True)
class Job:
    """One series to go over. `scores`: the file for its lines, each with `label` before it. `plot`: it is drawn."""

    name: str
    history: backtest.History
    zone: tzinfo
    caution: float = 0.0
    scores: Path | None = None
    label: str | None = None
    plot: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job."""

    job: Job
    found: list[backtest.Found]
    trace: Trace | None


def run_all(jobs: Sequence[Job]) -> Iterator[Done]:
    """In the order of the jobs, each as soon as it and those before it are done."""
    if len(jobs) < 2 or sum(len(job.history.counts) for job in jobs) < FEW:
        ran = map(_run, jobs)
        yield from (Done(job, *one) for job, one in zip(jobs, ran, strict=True))
        return
    with processes() as pool:
        yield from (Done(job, *one) for job, one in zip(jobs, pool.map(_run, jobs), strict=True))


def processes() -> ProcessPoolExecutor:
    """One for each processor; they have what is in memory when they begin."""
    return ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("fork"))


def _run(job: Job) -> tuple[list[backtest.Found], Trace | None]:
    trace = Trace(len(job.history)) if job.plot else None
    each: list[Callable[[Reading], None]] = [trace.add] if trace else []
    with job.scores.open("w", encoding="utf-8", newline="") if job.scores else nullcontext() as file:
        if file:
            each.append(Scores(file, job.zone, job.label).add)
        return backtest.run(job.name, job.history, job.zone, caution=job.caution, each=each), trace
