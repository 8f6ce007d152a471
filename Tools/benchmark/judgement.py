"""From measured cells to what holds and what does not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .cells import (
    MIXED_ARRIVAL_TARGET,
    MIXED_ONLINE_TARGET,
    MODELS,
    PEAK_TARGETS,
    PEER_TARGETS,
    PEERS,
)
from .encoder import Measured
from .mixed import MixedRow

FLOAT = "onnxruntime-fp32"


@dataclass
class Judged:
    """One figure beside its target; a figure without one is only shown."""

    what: str
    value: float
    target: float | None = None

    @property
    def holds(self) -> bool | None:
        return None if self.target is None else self.value >= self.target

    @property
    def word(self) -> str:
        return {None: "", True: "holds", False: "MISSED"}[self.holds]


def geometric_mean(values: Iterable[float]) -> float:
    logarithms = [math.log(value) for value in values]
    if not logarithms:
        raise ValueError("no values")
    return math.exp(sum(logarithms) / len(logarithms))


def cells_word(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def judge_peers(measured: list[Measured]) -> list[Judged]:
    judged = []
    for target in PEER_TARGETS:
        ratios = [(one.ratio(target.peer), one) for one in measured if target.covers(one.cell)]
        ratios = [(ratio, one) for ratio, one in ratios if ratio is not None]
        if not ratios:
            continue
        worst, where = min(ratios, key=lambda pair: pair[0])
        mean = geometric_mean(ratio for ratio, _ in ratios)
        judged.append(Judged(f"{target.title}: geometric mean of {cells_word(len(ratios))}", mean, target.mean))
        judged.append(Judged(f"{target.title}: worst, {where.cell.title}", worst, target.worst))
    floats = [one.ratio(FLOAT) for one in measured if one.cell.graph == "mean" and one.ratio(FLOAT) is not None]
    if floats:
        judged.append(Judged(f"{PEERS[FLOAT]}: geometric mean of {cells_word(len(floats))}", geometric_mean(floats)))
    return judged


def judge_peak(measured: list[Measured]) -> list[Judged]:
    judged = []
    for (model, shape), target in PEAK_TARGETS.items():
        for one in measured:
            cell = one.cell
            if (cell.model, cell.shape, cell.graph) == (model, shape, "mean"):
                wanted = target if cell.threads == 1 else None
                judged.append(Judged(f"share of the int8 peak, {cell.title}", one.peak_share, wanted))
    return judged


def judge_mixed(rows: list[MixedRow]) -> list[Judged]:
    """Against the fastest peer: online in its better arrangement, and padded in arrival order."""
    judged = []
    for online, what, target in (
        (True, "mixed lengths, best a peer can do online", MIXED_ONLINE_TARGET),
        (False, "mixed lengths, fastest padded in arrival order", MIXED_ARRIVAL_TARGET),
    ):
        chosen = [row for row in rows if row.arrangement.online == online]
        if chosen:
            row = min(chosen, key=lambda row: row.ratio)
            judged.append(Judged(f"{what} ({row.title})", row.ratio, target))
    return judged


def judge(measured: list[Measured], mixed: list[MixedRow]) -> list[Judged]:
    return judge_peers(measured) + judge_peak(measured) + judge_mixed(mixed)


def group_title(model: str, threads: int) -> str:
    return f"{MODELS[model].title}, {'1 thread' if threads == 1 else f'{threads} threads'}"
