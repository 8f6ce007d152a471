"""Cells as if they had been measured."""

from benchmark.cells import BATCHES, LENGTHS, Cell
from benchmark.encoder import Measured


def measured(cell: Cell, martlet: list[float], peak: float = 200.0, **peers: list[float]) -> Measured:
    """Peers by name, `_` for `-`."""
    series = {name.replace("_", "-"): values for name, values in peers.items()}
    return Measured(cell, {"martlet": martlet, **series}, [peak] * len(martlet))


def every_cell() -> list[Measured]:
    """All cells of both models; OpenVINO takes 1.5 times as long, but 1.05 at 512x32 of BERT-base on 2 threads."""
    cells = [Cell(m, t, n, b) for m in ("minilm", "base") for t in (1, 2) for n in LENGTHS for b in BATCHES]
    slow = Cell("base", 2, 512, 32)
    return [measured(cell, [2.0, 4.0], openvino_int8=[2.1, 4.2] if cell == slow else [3.0, 6.0]) for cell in cells]
