"""One peer engine in a process of its own, driven over standard input so that a benchmark can alternate engines.

Each line in is a JSON object, each line out its answer. A shape is "TOKENSxBATCH".
  {"run": "128x1", "seconds": 0.5}        -> {"ms": median, "runs": n}
  {"mixed": [23, 41, ...], "batch": 32}   -> {"ms": total, "tokens": computed tokens}, padded in the order given
The first line out, {"ready": true}, comes when the model is loaded.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SEED = 3
Inputs = dict[str, np.ndarray]


def load_onnxruntime(path: Path, threads: int) -> Callable[[Inputs], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)


def load_openvino(path: Path, threads: int) -> Callable[[Inputs], object]:
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    return lambda inputs: request.infer(inputs, share_inputs=True, share_outputs=True)


LOADERS = {"onnxruntime": load_onnxruntime, "openvino": load_openvino}


def random_inputs(lengths: list[int], rng: np.random.Generator) -> Inputs:
    """Random ids of the given lengths, padded to the longest; values do not change the work done."""
    longest = max(lengths)
    ids = rng.integers(1000, 20000, (len(lengths), longest), dtype=np.int64)
    mask = (np.arange(longest)[None, :] < np.array(lengths)[:, None]).astype(np.int64)
    return dict(zip(INPUTS, (ids * mask, mask, np.zeros_like(ids))))


def run_shape(infer: Callable[[Inputs], object], shape: str, seconds: float) -> dict[str, float]:
    tokens, batch = (int(part) for part in shape.split("x"))
    inputs = random_inputs([tokens] * batch, np.random.default_rng(SEED))
    for _ in range(2):
        infer(inputs)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        started = time.perf_counter()
        infer(inputs)
        times.append(time.perf_counter() - started)
    return {"ms": 1e3 * statistics.median(times), "runs": len(times)}


def run_mixed(infer: Callable[[Inputs], object], lengths: list[int], batch: int) -> dict[str, float]:
    rng = np.random.default_rng(SEED)
    batches = [random_inputs(lengths[start : start + batch], rng) for start in range(0, len(lengths), batch)]
    infer(batches[0])
    started = time.perf_counter()
    for inputs in batches:
        infer(inputs)
    return {"ms": 1e3 * (time.perf_counter() - started), "tokens": sum(b["input_ids"].size for b in batches)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=sorted(LOADERS), required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    infer = LOADERS[arguments.engine](arguments.model, arguments.threads)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "run" in order:
            answer = run_shape(infer, order["run"], order["seconds"])
        else:
            answer = run_mixed(infer, order["mixed"], order["batch"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
