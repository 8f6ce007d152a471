"""What is measured: models, shapes, peers, and the targets they are judged by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dimensions:
    """An encoder's size, as far as its multiply-adds go."""

    title: str
    layers: int
    hidden: int
    inner: int


MODELS = {
    "minilm": Dimensions("MiniLM-L6", 6, 384, 1536),
    "base": Dimensions("BERT-base", 12, 768, 3072),
}
PEERS = {
    "openvino-int8": "OpenVINO int8",
    "onnxruntime-int8": "onnxruntime int8 dynamic",
    "ctranslate2-int8": "CTranslate2 int8",
    "onnxruntime-fp32": "onnxruntime fp32",
}
LENGTHS = [16, 64, 128, 256, 512]
BATCHES = [1, 8, 32]
# The classifier, where Martlet computes only the rows that are needed: shown beside, not judged.
CLASSIFIER_MODEL = "minilm"
CLASSIFIER_SHAPES = [(16, 1), (128, 1), (512, 1), (64, 8)]
PROFILED = [("minilm", (16, 1)), ("minilm", (128, 8)), ("minilm", (512, 8)), ("base", (128, 8))]


@dataclass(frozen=True)
class Cell:
    """One comparison: each engine computes the same over `batch` texts of `length` tokens on `threads` threads."""

    model: str
    threads: int
    length: int
    batch: int
    graph: str = "mean"

    @property
    def shape(self) -> str:
        return f"{self.length}x{self.batch}"

    @property
    def title(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        kind = ", classifier" if self.graph == "logits" else ""
        return f"{MODELS[self.model].title} {self.shape}, {threads}{kind}"

    @property
    def gmacs(self) -> float:
        """Multiply-adds of a full encoder in 1e9: the linear layers and attention, padding none."""
        size = MODELS[self.model]
        linear = 4 * size.hidden**2 + 2 * size.hidden * size.inner
        attention = 2 * self.length * size.hidden
        return size.layers * self.batch * self.length * (linear + attention) / 1e9


def step_macs(model: str, length: int) -> dict[str, float]:
    """Multiply-adds a token of the steps that have many, named as Martlet's profile names them."""
    size = MODELS[model]
    each = {
        "query, key, value": 3 * size.hidden**2,
        "attention": 2 * length * size.hidden,
        "attention output": size.hidden**2,
        "feed-forward 1, GELU": size.hidden * size.inner,
        "feed-forward 2": size.hidden * size.inner,
    }
    return {name: size.layers * macs for name, macs in each.items()}


# Targets.


@dataclass(frozen=True)
class PeerTarget:
    """How many times as fast Martlet must be: geometric mean over the cells, and in the worst of them."""

    peer: str
    mean: float
    worst: float
    only_short: bool = False  # batch 1, lengths 16 to 64

    @property
    def title(self) -> str:
        return PEERS[self.peer] + (", batch 1, 16-64 tokens" if self.only_short else "")

    def covers(self, cell: Cell) -> bool:
        return cell.graph == "mean" and (not self.only_short or (cell.batch == 1 and 16 <= cell.length <= 64))


PEER_TARGETS = [
    PeerTarget("openvino-int8", 1.4, 1.1),
    PeerTarget("openvino-int8", 1.8, 1.4, only_short=True),
    PeerTarget("onnxruntime-int8", 2.0, 1.5),
    PeerTarget("ctranslate2-int8", 2.0, 1.4),
]
# Share of the vpdpbusd peak, on one thread.
PEAK_TARGETS = {
    ("minilm", "16x1"): 0.70,
    ("minilm", "128x8"): 0.75,
    ("minilm", "512x8"): 0.65,
    ("base", "128x8"): 0.80,
}
# Mixed lengths: against the fastest peer in the arrangement.
MIXED_ONLINE_TARGET = 1.8
MIXED_ARRIVAL_TARGET = 13.0
