"""The peers' engines behind one face: `load` gives one `Runner` a stream.

A graph is "mean" (mean of every row of the last layer) or "logits" (the classifier). Files of a graph in its folder:
onnxruntime-fp32.onnx, onnxruntime-int8.onnx, openvino-int8.xml, ctranslate2/.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
ENGINES = ("onnxruntime-int8", "onnxruntime-fp32", "openvino-int8", "ctranslate2-int8", "ctranslate2-fp32")


@dataclass
class Batch:
    """Texts padded to the longest: ids and mask int64 [texts, longest], lengths int32 [texts]."""

    ids: np.ndarray
    mask: np.ndarray
    lengths: np.ndarray

    @classmethod
    def padded(cls, rows: list[list[int]]) -> Batch:
        lengths = np.array([len(row) for row in rows], np.int32)
        ids = np.zeros((len(rows), int(lengths.max())), np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
        mask = (np.arange(ids.shape[1])[None, :] < lengths[:, None]).astype(np.int64)
        return cls(ids, mask, lengths)

    def named(self) -> dict[str, np.ndarray]:
        return dict(zip(INPUTS, (self.ids, self.mask, np.zeros_like(self.ids))))


@dataclass
class Runner:
    """`prepare` turns a batch into what the engine takes, outside the time; `infer` gives [texts, width]."""

    prepare: Callable[[Batch], object]
    infer: Callable[[object], np.ndarray]


def load_onnxruntime(path: Path, threads: int, streams: int) -> list[Runner]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads // streams
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return [Runner(Batch.named, lambda inputs: session.run(None, inputs)[0])] * streams


def load_openvino(path: Path, threads: int, streams: int) -> list[Runner]:
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams,
        "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    model = openvino.Core().compile_model(path, "CPU", settings)

    def runner() -> Runner:
        request = model.create_infer_request()
        return Runner(Batch.named, lambda inputs: request.infer(inputs, share_inputs=True, share_outputs=True)[0])

    return [runner() for _ in range(streams)]


def load_ctranslate2(path: Path, threads: int, streams: int, graph: str, compute_type: str) -> list[Runner]:
    import ctranslate2

    encoder = ctranslate2.Encoder(
        str(path), device="cpu", compute_type=compute_type, inter_threads=streams, intra_threads=threads // streams
    )
    head = np.load(path / "classifier.npz") if graph == "logits" else None

    def prepare(batch: Batch) -> object:
        ids = ctranslate2.StorageView.from_array(np.ascontiguousarray(batch.ids, np.int32))
        lengths = ctranslate2.StorageView.from_array(batch.lengths)
        weights = (batch.mask / batch.lengths[:, None]).astype(np.float32)[:, None, :]
        return ids, lengths, weights

    def infer(inputs: object) -> np.ndarray:
        ids, lengths, weights = inputs
        output = encoder.forward_batch(ids, lengths)
        if head is not None:
            return np.asarray(output.pooler_output) @ head["weight"].T + head["bias"]
        return np.matmul(weights, np.asarray(output.last_hidden_state))[:, 0]

    return [Runner(prepare, infer)] * streams


def load(engine: str, folder: Path, graph: str, threads: int, streams: int = 1) -> list[Runner]:
    """One runner a stream; `threads` are shared out among the streams."""
    if engine.startswith("onnxruntime"):
        return load_onnxruntime(folder / f"{engine}.onnx", threads, streams)
    if engine == "openvino-int8":
        return load_openvino(folder / f"{engine}.xml", threads, streams)
    kinds = {"ctranslate2-int8": "int8_float32", "ctranslate2-fp32": "float32"}
    return load_ctranslate2(folder / "ctranslate2", threads, streams, graph, kinds[engine])
