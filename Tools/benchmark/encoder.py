"""Fixed shapes: all engines take turns at each cell, so that a machine that slows down slows down all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .cells import CLASSIFIER_MODEL, CLASSIFIER_SHAPES, MODELS, PROFILED, Cell
from .failure import BenchError, say
from .workers import MARTLET, Setup, Worker, workers

TURNS = 2
FLOAT = "onnxruntime-fp32"
LONG_SECONDS = 1.0  # float32 runs above this are measured once, without a warm-up: that peer has no target
ONCE_SECONDS = 4.0  # and so are any peer's runs above this: noise of a second is little beside them
COLD_SECONDS = 2.0  # runs above this need no warm-up: what a new shape costs is little beside them
SETTLE_SECONDS = 0.25  # OpenMP threads spin for up to 0.2 s after their work
# GMAC/s a thread before anything was measured: only for the estimate of the time left and how often to repeat.
FIRST_GUESS = {
    MARTLET: 150,
    "openvino-int8": 120,
    "onnxruntime-int8": 80,
    "ctranslate2-int8": 70,
    FLOAT: 40,
}


@dataclass
class Measured:
    """Milliseconds of each engine in each turn, and the peak of the same threads just before Martlet ran."""

    cell: Cell
    ms: dict[str, list[float]] = field(default_factory=dict)
    peak: list[float] = field(default_factory=list)  # GMAC/s

    def median(self, engine: str) -> float:
        return statistics.median(self.ms[engine])

    def ratio(self, peer: str) -> float | None:
        """How many times as fast Martlet is: the median over the turns."""
        if not self.ms.get(peer) or not self.ms.get(MARTLET):
            return None
        return statistics.median(other / own for other, own in zip(self.ms[peer], self.ms[MARTLET]))

    @property
    def peak_share(self) -> float:
        rates = (1e3 * self.cell.gmacs / ms for ms in self.ms[MARTLET])
        return statistics.median(rate / peak if peak else 0 for rate, peak in zip(rates, self.peak))

    @property
    def limit_ms(self) -> float:
        """All multiply-adds at the peak: nothing can be faster on these instructions."""
        return statistics.median(1e3 * self.cell.gmacs / peak if peak else 0 for peak in self.peak)


@dataclass
class Profile:
    """What Martlet's steps take on one thread, in microseconds a token, and the peak in GMAC/s."""

    model: str
    length: int
    batch: int
    steps: list[tuple[str, float]]
    peak: float


@dataclass
class Selection:
    """Which cells and peers; what the command line's filters leave."""

    models: list[str]
    threads: list[int]
    lengths: list[int]
    batches: list[int]
    peers: list[str]
    quick: bool = False

    def cells(self, model: str, threads: int) -> list[Cell]:
        cells = [Cell(model, threads, length, batch) for length in self.lengths for batch in self.batches]
        if model == CLASSIFIER_MODEL:
            shapes = [(16, 1)] if self.quick else CLASSIFIER_SHAPES
            cells += [Cell(model, threads, *shape, graph="logits") for shape in shapes]
        return cells

    def groups(self) -> list[tuple[str, int]]:
        return [(model, threads) for model in self.models for threads in self.threads]

    def engines(self, cell: Cell) -> list[str]:
        return [MARTLET] + [peer for peer in self.peers if peer != FLOAT or cell.graph == "mean"]


class Pace:
    """Knows how long a run takes, at first by a guess, and from that how often to repeat it."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.rates: dict[tuple[str, str, int], float] = {}

    def seconds(self, engine: str, cell: Cell) -> float:
        guess = FIRST_GUESS[engine] * cell.threads
        return cell.gmacs / self.rates.get((engine, cell.model, cell.threads), guess)

    def learn(self, engine: str, cell: Cell, ms: float) -> None:
        key = (engine, cell.model, cell.threads)
        rate = 1e3 * cell.gmacs / ms
        self.rates[key] = rate if key not in self.rates else 0.5 * (self.rates[key] + rate)

    def turns(self, engine: str, cell: Cell) -> int:
        if engine == MARTLET:
            return TURNS
        return 1 if self.seconds(engine, cell) > (LONG_SECONDS if engine == FLOAT else ONCE_SECONDS) else TURNS

    def order(self, engine: str, cell: Cell, turn: int) -> dict:
        run = self.seconds(engine, cell)
        order = {"run": cell.shape, "graph": cell.graph}
        if self.quick:
            return order | {"seconds": 0.08, "runs": 2, "warm": 0.05}
        is_warm = run > COLD_SECONDS or (run > 0.2 and (turn > 0 or self.turns(engine, cell) == 1))
        effort = {"seconds": 0.4, "runs": 5 if run < 0.1 else 2} if run < 0.5 else {"seconds": 0, "runs": 1}
        return order | effort | {"warm": 0 if is_warm else 0.15}

    def order_seconds(self, engine: str, cell: Cell, turn: int) -> float:
        order, run = self.order(engine, cell, turn), self.seconds(engine, cell)
        warm = 0 if order["warm"] == 0 else max(order["warm"], run * (1 if run > 1 else 2))
        return warm + max(order["seconds"], run * order["runs"])

    def cell_seconds(self, cell: Cell, engines: Iterable[str]) -> float:
        return sum(
            self.order_seconds(engine, cell, turn) for engine in engines for turn in range(self.turns(engine, cell))
        )


def measure_cell(cell: Cell, engines: dict[str, Worker], pace: Pace) -> Measured:
    measured = Measured(cell)
    turns = {name: pace.turns(name, cell) for name in engines}
    for turn in range(TURNS):
        names = [name for name in engines if turn < turns[name]]
        for name in names if turn % 2 == 0 else reversed(names):
            order = pace.order(name, cell, turn)
            if cell.threads > 1 and order["warm"] == 0:
                time.sleep(SETTLE_SECONDS)
            answer = engines[name].ask(order)
            measured.ms.setdefault(name, []).append(answer["ms"])
            if name == MARTLET:
                measured.peak.append(answer["peak"])
            pace.learn(name, cell, answer["ms"])
    return measured


def measure_profiles(martlet: Worker, model: str, peak: float, quick: bool) -> list[Profile]:
    profiles = []
    for name, (length, batch) in PROFILED:
        if name != model or (quick and length * batch > 1024):
            continue
        order = {"profile": f"{length}x{batch}", "seconds": 0.2 if quick else 1, "runs": 2}
        steps = [(step, value) for step, value in martlet.ask(order)["us"]]
        if steps:
            profiles.append(Profile(model, length, batch, steps, peak))
    return profiles


def run_encoder(setup: Setup, selection: Selection, keep: Callable[[Measured | Profile], None]) -> bool:
    """All cells in the order of the command line; whether every engine measured all of them."""
    pace = Pace(selection.quick)
    cells = {group: selection.cells(*group) for group in selection.groups()}
    total, done = sum(len(group) for group in cells.values()), 0
    complete = True
    for (model, threads), group in cells.items():
        try:
            with workers(setup, [MARTLET, *selection.peers], model, threads) as engines:
                for index, cell in enumerate(group):
                    left = sum(
                        pace.cell_seconds(other, selection.engines(other))
                        for key, rest in cells.items()
                        if list(cells).index(key) >= list(cells).index((model, threads))
                        for other in (rest[index:] if key == (model, threads) else rest)
                    )
                    say(f"{cell.title} ({done + index + 1} of {total}, about {minutes(left)} left for shapes)")
                    chosen = {name: engines[name] for name in selection.engines(cell)}
                    measured = measure_cell(cell, chosen, pace)
                    keep(measured)
                if threads == 1:
                    peak = statistics.median(measured.peak)
                    for profile in measure_profiles(engines[MARTLET], model, peak, selection.quick):
                        keep(profile)
        except BenchError as error:
            complete = False
            say(f"{MODELS[model].title}, threads {threads}: {error}")
        done += len(group)
    return complete


def minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
