"""Traffic of mixed lengths: Martlet packs texts as they arrive; a peer pads, or takes them one by one."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from .cells import PEERS
from .failure import say
from .workers import MARTLET, Setup, Worker, workers

MODEL = "minilm"
TEXTS = 1000
QUICK_TEXTS = 48
TRIAL_TEXTS = 256  # with these a peer's better use of its threads is found
ARRIVAL_TEXTS = 320  # ten batches, and most of them as long as their longest text: more would only take longer
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
    texts: int = TEXTS


ONE_BY_ONE = Arrangement("one by one", 1, online=True)
SORTED = Arrangement("padded 32, sorted in windows of 256", PAD_BATCH, SORT_WINDOW, online=True)
ARRIVAL = Arrangement(f"padded 32, in arrival order, first {ARRIVAL_TEXTS}", PAD_BATCH, turns=1, texts=ARRIVAL_TEXTS)
ARRANGEMENTS = [ONE_BY_ONE, SORTED, ARRIVAL]


@dataclass
class MixedRow:
    """Milliseconds for the arrangement's texts: Martlet's median, the peer's best; the ratio is the peer's best turn to
    Martlet just before and after."""

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


def mixed_lengths(quick: bool) -> list[int]:
    """Log-normal lengths in tokens, median 23 and 95th percentile 189, at most 512; in arrival order."""
    rng = random.Random(20)
    sigma = math.log(189 / 23) / 1.645
    count = QUICK_TEXTS if quick else TEXTS
    return [min(512, max(3, round(rng.lognormvariate(math.log(23), sigma)))) for _ in range(count)]


class MixedRace:
    """One peer against Martlet over the same texts.

    With several threads a peer may use them all on one batch or run as many streams of one thread: a first pass over
    some of the texts, not counted, finds which is faster. Of a peer's turns the best counts, so that shapes which are
    new to an engine in the first are not held against it.
    """

    def __init__(self, lengths: list[int], martlet: Worker, ways: dict[int, Worker], quick: bool) -> None:
        self.lengths, self.martlet, self.ways, self.quick = lengths, martlet, ways, quick
        self.best = next(iter(ways))

    def own_ms(self, texts: int) -> float:
        return self.martlet.ask({"mixed": self.lengths[:texts]})["ms"]

    def peer_answer(self, arrangement: Arrangement, streams: int, texts: int) -> dict:
        order = {"mixed": self.lengths[:texts], "batch": arrangement.batch, "window": arrangement.window}
        return self.ways[streams].ask(order)

    def run(self, peer: str, arrangement: Arrangement) -> MixedRow:
        texts = arrangement.texts
        if arrangement.online and len(self.ways) > 1:
            passes = {streams: self.peer_answer(arrangement, streams, TRIAL_TEXTS)["ms"] for streams in self.ways}
            self.best = min(passes, key=passes.__getitem__)
        own = [self.own_ms(texts)]
        answers = []
        for _ in range(1 if self.quick else arrangement.turns):
            answers.append(self.peer_answer(arrangement, self.best, texts))
            own.append(self.own_ms(texts))
        beside = [(before + after) / 2 for before, after in zip(own, own[1:])]
        return MixedRow(
            peer,
            arrangement,
            self.best,
            statistics.median(own),
            min(answer["ms"] for answer in answers),
            answers[0]["tokens"],
            min(answer["ms"] / mine for answer, mine in zip(answers, beside)),
        )


def run_mixed(
    setup: Setup, peers: list[str], threads: int, lengths: list[int], quick: bool, keep: Callable[[MixedRow], None]
) -> None:
    """A row for each int8 peer and arrangement."""
    names = [peer for peer in peers if peer.endswith("int8")]
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
                    say(f"mixed lengths on {threads} threads: {PEERS[name]}, {arrangement.title}")
                    keep(race.run(name, arrangement))
