"""Traffic of mixed lengths: Martlet packs texts as they arrive; a peer pads, or takes them one by one."""

from __future__ import annotations

import math
import random
import statistics
from contextlib import ExitStack
from dataclasses import dataclass

from .cells import PEERS
from .failure import say
from .workers import MARTLET, Setup, Worker, workers

MODEL = "minilm"
TEXTS = 1000
QUICK_TEXTS = 48
PAD_BATCH = 32
SORT_WINDOW = 256


@dataclass(frozen=True)
class Arrangement:
    """How a peer groups what arrives."""

    title: str
    batch: int
    window: int = 0
    online: bool = False  # one that a server can choose without knowing the future or losing much
    turns: int = 2


ONE_BY_ONE = Arrangement("one by one", 1, online=True)
SORTED = Arrangement("padded 32, sorted in windows of 256", PAD_BATCH, SORT_WINDOW, online=True)
ARRIVAL = Arrangement("padded 32, in arrival order", PAD_BATCH, turns=1)
ARRANGEMENTS = [ONE_BY_ONE, SORTED, ARRIVAL]


@dataclass
class MixedRow:
    """Milliseconds for all texts, medians; the ratio is to Martlet just before and after."""

    peer: str
    arrangement: Arrangement
    streams: int
    martlet_ms: float
    peer_ms: float
    tokens: int  # that the peer computed, padding included
    ratio: float

    @property
    def title(self) -> str:
        return f"{PEERS[self.peer]}, {self.arrangement.title}"


def mixed_lengths(count: int) -> list[int]:
    """Log-normal lengths in tokens, median 23 and 95th percentile 189, at most 512; in arrival order."""
    rng = random.Random(20)
    sigma = math.log(189 / 23) / 1.645
    return [min(512, max(3, round(rng.lognormvariate(math.log(23), sigma)))) for _ in range(count)]


class MixedRace:
    """One peer against Martlet over the same texts.

    With several threads a peer may use them all on one batch or run as many streams of one thread: a first pass over
    the texts, not counted, finds which is faster, and after it every shape is known to the engine.
    """

    def __init__(self, lengths: list[int], martlet: Worker, ways: dict[int, Worker], quick: bool) -> None:
        self.lengths, self.martlet, self.ways, self.quick = lengths, martlet, ways, quick
        self.best = next(iter(ways))

    def own_ms(self) -> float:
        return self.martlet.ask({"mixed": self.lengths})["ms"]

    def peer_answer(self, arrangement: Arrangement, streams: int) -> dict:
        order = {"mixed": self.lengths, "batch": arrangement.batch, "window": arrangement.window}
        return self.ways[streams].ask(order)

    def run(self, peer: str, arrangement: Arrangement) -> MixedRow:
        if arrangement.online and not self.quick:
            passes = {streams: self.peer_answer(arrangement, streams)["ms"] for streams in self.ways}
            self.best = min(passes, key=passes.__getitem__)
        own = [self.own_ms()]
        answers = []
        for _ in range(1 if self.quick else arrangement.turns):
            answers.append(self.peer_answer(arrangement, self.best))
            own.append(self.own_ms())
        beside = [(before + after) / 2 for before, after in zip(own, own[1:])]
        return MixedRow(
            peer,
            arrangement,
            self.best,
            statistics.median(own),
            statistics.median(answer["ms"] for answer in answers),
            answers[0]["tokens"],
            statistics.median(answer["ms"] / mine for answer, mine in zip(answers, beside)),
        )


def run_mixed(setup: Setup, peers: list[str], threads: int, quick: bool) -> tuple[list[int], list[MixedRow]]:
    """The lengths, and a row for each int8 peer and arrangement."""
    lengths = mixed_lengths(QUICK_TEXTS if quick else TEXTS)
    names = [peer for peer in peers if peer.endswith("int8")]
    rows = []
    with workers(setup, [MARTLET], MODEL, threads) as own:
        for name in names:
            with ExitStack() as stack:
                streams = [1] if threads == 1 or quick else [threads, 1]
                ways = {
                    count: stack.enter_context(workers(setup, [name], MODEL, threads, streams=count))[name]
                    for count in streams
                }
                race = MixedRace(lengths, own[MARTLET], ways, quick)
                for arrangement in ARRANGEMENTS:
                    say(f"mixed lengths, {len(lengths)} texts on {threads} threads: {PEERS[name]}, {arrangement.title}")
                    rows.append(race.run(name, arrangement))
    return lengths, rows
