"""One peer engine in a process of its own, driven over standard input so that a benchmark can alternate engines.

Each line in is a JSON object, each line out its answer. A shape is "TOKENSxBATCH".
  {"run": "128x1", "graph": "mean", "seconds": 0.5, "runs": 3, "warm": 0.2}
      -> {"ms": median, "runs": n}: warms up for at least `warm` seconds and 2 runs (1 of a second or more), then
         measures for at least `seconds` and `runs`
  {"mixed": [23, 41, ...], "batch": 32, "window": 256}
      -> {"ms": total, "tokens": computed tokens}: padded batches in the order given, or sorted by length within
         windows; with several streams each takes the next batch when it is free
The first line out, {"ready": true}, comes when the process can take orders; models are loaded when first needed.
"""

from __future__ import annotations

import argparse
import json
import queue
import statistics
import sys
import threading
import time
from pathlib import Path

import numpy as np
from engines import ENGINES, Batch, Runner, load

SEED = 3
MIXED_WARM_BATCHES = 4


def random_batch(lengths: list[int], rng: np.random.Generator) -> Batch:
    """Random ids: values do not change the work done."""
    return Batch.padded([rng.integers(1000, 20000, length).tolist() for length in lengths])


def run_shape(runner: Runner, order: dict) -> dict[str, float]:
    tokens, texts = (int(part) for part in order["run"].split("x"))
    inputs = runner.prepare(random_batch([tokens] * texts, np.random.default_rng(SEED)))

    def once() -> float:
        started = time.perf_counter()
        runner.infer(inputs)
        return time.perf_counter() - started

    warm: list[float] = []
    while order["warm"] > 0 and (sum(warm) < order["warm"] or (len(warm) < 2 and sum(warm) < 1)):
        warm.append(once())
    times: list[float] = []
    while len(times) < order["runs"] or sum(times) < order["seconds"]:
        times.append(once())
    return {"ms": 1e3 * statistics.median(times), "runs": len(times)}


def arrange(lengths: list[int], batch: int, window: int) -> list[list[int]]:
    """Batches of at most `batch` lengths, in the order given or sorted within windows of `window` texts."""
    step = window or len(lengths)
    batches = []
    for start in range(0, len(lengths), step):
        part = lengths[start : start + step]
        part = sorted(part) if window else part
        batches += [part[first : first + batch] for first in range(0, len(part), batch)]
    return batches


def run_mixed(runners: list[Runner], order: dict) -> dict[str, float]:
    rng = np.random.default_rng(SEED)
    batches = [random_batch(part, rng) for part in arrange(order["mixed"], order["batch"], order["window"])]
    inputs = [runners[0].prepare(batch) for batch in batches]
    for runner in runners:
        for prepared in inputs[:MIXED_WARM_BATCHES]:
            runner.infer(prepared)
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    for prepared in inputs:
        waiting.put(prepared)
    failures: list[BaseException] = []

    def work(runner: Runner) -> None:
        try:
            while True:
                runner.infer(waiting.get_nowait())
        except queue.Empty:
            pass
        except BaseException as error:  # noqa: BLE001: told to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(runner,)) for runner in runners[1:]]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    work(runners[0])
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    if failures:
        raise failures[0]
    return {"ms": 1e3 * elapsed, "tokens": sum(batch.ids.size for batch in batches)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=ENGINES, required=True)
    parser.add_argument("--models", type=Path, required=True, help="the cache folder that prepare.py filled")
    parser.add_argument("--threads", type=int, default=1, help="in all")
    parser.add_argument("--streams", type=int, default=1, help="texts or batches at once; they share the threads")
    arguments = parser.parse_args()
    loaded: dict[str, list[Runner]] = {}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        graph = order.get("graph", "mean")
        if graph not in loaded:
            loaded[graph] = load(
                arguments.engine, arguments.models / graph, graph, arguments.threads, arguments.streams
            )
        answer = run_shape(loaded[graph][0], order) if "run" in order else run_mixed(loaded[graph], order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
