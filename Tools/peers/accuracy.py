"""What int8 costs: Martlet beside onnxruntime and OpenVINO, on the same texts, against onnxruntime in float32.

  accuracy.py --martlet MEASURE [--models FOLDER] [--cache FOLDER] [--json FILE]

MEASURE is the program martlet-measure, --models what Tools/models/fetch and assemble made. Every text runs alone, so
that no engine pays for padding. Embeddings: 1000 sentences of news through the plain body; the mean over a text's last
hidden states. Labels: the held-out texts of guard and topics. OpenVINO is calibrated on 300 other texts of the same
kind. Run by the Python of .venv-bench.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "Tools" / "models"), str(Path(__file__).resolve().parent)]
from calibration import CALIBRATION  # noqa: E402
from engines import Batch, load  # noqa: E402
from held_out import cut, guard_texts, news_sentences, topic_texts  # noqa: E402
from plain_body import write_plain_body  # noqa: E402
from prepare import prepare  # noqa: E402

TRUTH = "onnxruntime-fp32"
PER_CHANNEL = "onnxruntime-int8-per-channel"
PEERS = ("onnxruntime-int8", PER_CHANNEL, "openvino-int8")
MARTLET = ("martlet-fp32", "martlet-int8")
NEIGHBOURS = 10


@dataclass(frozen=True)
class EmbeddingRow:
    engine: str
    texts: int
    min_cosine: float
    mean_cosine: float
    max_pair_error: float
    mean_pair_error: float
    top10_overlap: float


@dataclass(frozen=True)
class LabelRow:
    engine: str
    model: str
    texts: int
    agreement: float
    max_logit_error: float


def nearest(similarity: np.ndarray) -> np.ndarray:
    """[texts, NEIGHBOURS]: of each text the others with the largest cosine."""
    others = similarity - 3 * np.eye(len(similarity))
    return np.argsort(-others, axis=1, kind="stable")[:, :NEIGHBOURS]


def compare_embeddings(engine: str, truth: np.ndarray, given: np.ndarray) -> EmbeddingRow:
    true, mine = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (truth, given))
    cosines = (true * mine).sum(1)
    pairs, my_pairs = true @ true.T, mine @ mine.T
    errors = np.abs(pairs - my_pairs)
    kept = [len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(nearest(pairs), nearest(my_pairs))]
    return EmbeddingRow(
        engine,
        len(truth),
        *(round(float(v), 6) for v in (cosines.min(), cosines.mean(), errors.max(), errors.mean(), np.mean(kept))),
    )


def compare_labels(engine: str, model: str, truth: np.ndarray, given: np.ndarray) -> LabelRow:
    agreement = float(np.mean(truth.argmax(1) == given.argmax(1)))
    return LabelRow(engine, model, len(truth), round(agreement, 6), round(float(np.abs(truth - given).max()), 4))


def peer_files(model: Path, graph: str, folder: Path, sentences: list[str]) -> None:
    """The peers' models, and onnxruntime's int8 once more with a scale for each output channel."""
    if (folder / "accuracy-done").exists():
        return
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    prepare(model, graph, folder, sentences)
    quantize_dynamic(
        folder / f"{TRUTH}.onnx",
        folder / f"{PER_CHANNEL}.onnx",
        weight_type=QuantType.QInt8,
        per_channel=True,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    (folder / "accuracy-done").touch()


def by_peer(engine: str, folder: Path, graph: str, rows: list[list[int]]) -> np.ndarray:
    runner = load(engine, folder, graph, threads=2)[0]
    answers = [np.array(runner.infer(runner.prepare(Batch.padded([row]))), np.float64)[0] for row in rows]
    return np.array(answers)


def by_martlet(program: Path, engine: str, model: Path, graph: str, pieces: list[str]) -> np.ndarray:
    precision = "float32" if engine.endswith("fp32") else "int8"
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as stream:
        json.dump(pieces, stream)
        stream.flush()
        command = [str(program), "embed", "--model", str(model), "--texts", stream.name]
        command += ["--output", graph, "--precision", precision]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return np.array([json.loads(line) for line in answer.splitlines()], np.float64)


def measure(program: Path, models: Path, cache: Path) -> tuple[list[EmbeddingRow], list[LabelRow]]:
    """All engines on all texts, Martlet first; three to five minutes, of which a third is preparing the peers once."""
    embeddings: list[EmbeddingRow] = []
    labels: list[LabelRow] = []
    for name in ("body", "guard", "topics"):
        graph = "mean" if name == "body" else "logits"
        model = write_plain_body(models) if name == "body" else models / name
        wanted = news_sentences(models) if name == "body" else held_out(name, models)
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        pieces = [cut(tokenizer, text) for text in wanted]
        ids = [row for _, row in pieces]
        calibration = [cut(tokenizer, text)[0] for text in CALIBRATION[name](models)]
        folder = cache / f"accuracy-{name}-{hashlib.sha256(json.dumps(calibration).encode()).hexdigest()[:12]}"
        peer_files(model, graph, folder, calibration)
        truth = by_peer(TRUTH, folder, graph, ids)
        for engine in (*MARTLET[::-1], *PEERS):
            print(f"{name}: {engine} on {len(pieces)} texts", file=sys.stderr, flush=True)
            if engine in MARTLET:
                given = by_martlet(program, engine, model, graph, [text for text, _ in pieces])
            else:
                given = by_peer(engine, folder, graph, ids)
            if graph == "mean":
                embeddings.append(compare_embeddings(engine, truth, given))
            else:
                labels.append(compare_labels(engine, name, truth, given))
    return embeddings, labels


def held_out(name: str, models: Path) -> list[str]:
    return [piece.text for piece in {"guard": guard_texts, "topics": topic_texts}[name](models)]


def table(embeddings: list[EmbeddingRow], labels: list[LabelRow]) -> str:
    lines = [
        f"| embeddings, {embeddings[0].texts} sentences | cosine min | mean | pair error max | mean | top 10 kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in embeddings:
        lines.append(
            f"| {row.engine} | {row.min_cosine:.4f} | {row.mean_cosine:.4f} | {row.max_pair_error:.4f} "
            f"| {row.mean_pair_error:.4f} | {row.top10_overlap:.3f} |"
        )
    lines += ["", "| labels | model | texts | same label | largest logit error |", "| --- | --- | --- | --- | --- |"]
    for row in labels:
        lines.append(
            f"| {row.engine} | {row.model} | {row.texts} | {100 * row.agreement:.2f} % | {row.max_logit_error:.3f} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--martlet", type=Path, required=True, help="the program martlet-measure")
    parser.add_argument("--models", type=Path, default=ROOT / ".build-models")
    parser.add_argument("--cache", type=Path, default=ROOT / ".build-bench")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    embeddings, labels = measure(arguments.martlet, arguments.models, arguments.cache)
    print(table(embeddings, labels))
    if arguments.json:
        rows = {"embeddings": [asdict(row) for row in embeddings], "labels": [asdict(row) for row in labels]}
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
