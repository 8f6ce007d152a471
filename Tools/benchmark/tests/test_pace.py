import os
import sys
import time

import pytest
from benchmark.cells import Cell
from benchmark.encoder import Pace, Selection, measure_cell
from benchmark.failure import BenchError
from benchmark.workers import Worker

FLOAT = "onnxruntime-fp32"


class Recorder:
    """An engine that remembers its orders; its `ms` is given."""

    def __init__(self, name: str, log: list, ms: float) -> None:
        self.name, self.log, self.ms = name, log, ms

    def ask(self, order: dict) -> dict:
        self.log.append((self.name, order))
        return {"ms": self.ms, "runs": 1, "peak": 200.0}


def engines(log: list, ms: float) -> dict[str, Recorder]:
    return {name: Recorder(name, log, ms) for name in ("martlet", "openvino-int8", FLOAT)}


def test_engines_alternate_and_the_second_turn_goes_backwards():
    log: list = []
    result = measure_cell(Cell("minilm", 1, 16, 1), engines(log, 1.0), Pace(quick=False))
    names = [name for name, _ in log]
    assert names == ["martlet", "openvino-int8", FLOAT, FLOAT, "openvino-int8", "martlet"]
    assert all(order["runs"] == 5 and order["seconds"] == 0.4 and order["warm"] > 0 for _, order in log)
    assert len(result.peak) == 2 and result.ratio("openvino-int8") == 1


def test_runs_of_many_seconds_are_made_once_and_cold_but_for_martlet():
    log: list = []
    measure_cell(Cell("base", 1, 512, 32), engines(log, 10_000.0), Pace(quick=False))
    assert [name for name, _ in log] == ["martlet", "openvino-int8", FLOAT, "martlet"]
    assert all(order["runs"] == 1 and order["warm"] == 0 for _, order in log)


def test_runs_of_a_second_are_warmed_up_before_the_first_turn_only():
    log: list = []
    measure_cell(Cell("base", 1, 128, 8), engines(log, 1000.0), Pace(quick=False))
    orders = [order for name, order in log if name == "openvino-int8"]
    assert [order["runs"] for order in orders] == [1, 1]
    assert orders[0]["warm"] > 0 and orders[1]["warm"] == 0


def test_the_estimate_learns_from_what_was_measured():
    pace, cell = Pace(quick=False), Cell("base", 1, 512, 8)
    before = pace.seconds("martlet", cell)
    pace.learn("martlet", cell, 2e3 * before)
    assert pace.seconds("martlet", cell) == pytest.approx(2 * before)
    assert pace.seconds("martlet", Cell("base", 2, 512, 8)) < before


def test_classifier_cells_are_of_one_model_and_without_float32():
    selection = Selection(["minilm", "base"], [1], [16], [1], ["openvino-int8", FLOAT])
    logits = [cell for cell in selection.cells("minilm", 1) if cell.graph == "logits"]
    assert [cell.shape for cell in logits] == ["16x1", "128x1", "512x1", "64x8"]
    assert selection.engines(logits[0]) == ["martlet", "openvino-int8"]
    assert [cell.graph for cell in selection.cells("base", 1)] == ["mean"]


def worker(program: str) -> Worker:
    return Worker("an engine", [sys.executable, "-c", program], 1, sorted(os.sched_getaffinity(0)))


def test_a_worker_answers_line_by_line_and_its_error_is_told():
    program = "import json,sys\nfor line in sys.stdin: print(json.dumps(json.loads(line)), flush=True)"
    engine = worker(program)
    assert engine.ask({"ms": 3}) == {"ms": 3}
    with pytest.raises(BenchError, match="an engine: no such shape"):
        engine.ask({"error": "no such shape"})
    engine.close()


def test_a_worker_that_dies_is_told_with_its_last_words():
    engine = worker("import sys; sys.exit('out of weights')")
    with pytest.raises(BenchError, match="(?s)ended with 1.*out of weights"):
        engine.ask({"run": "16x1"})
    began = time.monotonic()
    engine.close()
    assert time.monotonic() - began < 5
