"""Makes the peers' models of one folder once, in a cache folder, and checks that they compute what they should.

  prepare.py --model FOLDER --cache FOLDER --graphs mean,logits

FOLDER is a Hugging Face BertForSequenceClassification; `mean` is its encoder with the mean of all rows, `logits` the
classifier. Settings are each project's own recommendation for BERT on CPU: onnxruntime's transformers optimizer (fused
attention, GELU, LayerNorm), then quantize_dynamic with int8 weights; OpenVINO by nncf.quantize with model_type
TRANSFORMER, calibrated on 100 sentences made here, which is enough to time it; CTranslate2 with int8 weights and
float32 between them.
Every float32 model must give onnxruntime's numbers; how far the int8 models are from them is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
from pathlib import Path

import numpy as np
import onnx
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
from bert_graph import build_graph  # noqa: E402
from ctranslate2_model import write_ctranslate2  # noqa: E402
from engines import INPUTS, Batch, load  # noqa: E402
from mean_graph import build_mean_graph  # noqa: E402
from onnxruntime_model import make_onnxruntime  # noqa: E402

CALIBRATION_SENTENCES = 100
FLOAT_DIFFERENCE_MAX = 1e-3  # between two float32 engines, of outputs around 1
GRAPHS = {"mean": build_mean_graph, "logits": build_graph}

# Calibration sentences are put together from these, so that preparing needs no text that is not ours. They do for
# times; how exact OpenVINO is depends on them, so accuracy.py gives real ones.
SUBJECTS = [
    "The committee",
    "A small team of engineers",
    "The museum in the old harbour",
    "My neighbour",
    "The new railway line",
    "Every student in the course",
    "The company's largest customer",
    "A storm from the north",
    "The editor",
    "Our town",
]
VERBS = [
    "announced",
    "has quietly rebuilt",
    "will replace",
    "could not explain",
    "paid for",
    "wrote about",
    "is looking for",
    "opened",
    "measured",
    "sold",
]
OBJECTS = [
    "the results of last year's survey.",
    "a bridge that nobody had asked for.",
    "three hundred tickets in one morning.",
    "the software that runs the factory.",
    "a report on rising energy prices, and nobody read it.",
    "its oldest painting.",
    "the rules for the cup final.",
    "what the minister had promised in parliament.",
]


def calibration_sentences() -> list[str]:
    rng = random.Random(5)
    return [
        " ".join(f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}" for _ in range(rng.randint(1, 4)))
        for _ in range(CALIBRATION_SENTENCES)
    ]


def inputs_of(ids: list[int]) -> dict[str, np.ndarray]:
    row = np.array([ids], np.int64)
    return dict(zip(INPUTS, (row, np.ones_like(row), np.zeros_like(row))))


def make_openvino_int8(source: Path, tokenizer: Tokenizer, sentences: list[str], target: Path) -> None:
    import nncf
    import openvino

    nncf.set_log_level(logging.ERROR)
    model = openvino.Core().read_model(source)
    ids = [tokenizer.encode(sentence).ids for sentence in sentences]
    quantised = nncf.quantize(
        model,
        nncf.Dataset([inputs_of(row) for row in ids]),
        subset_size=len(ids),
        model_type=nncf.ModelType.TRANSFORMER,
    )
    openvino.save_model(quantised, target, compress_to_fp16=False)


def check(folder: Path, graph: str, tokenizer: Tokenizer) -> None:
    """Four sentences of different lengths in one padded batch, by every engine."""
    batch = Batch.padded([tokenizer.encode(sentence).ids for sentence in calibration_sentences()[:4]])

    def answer(engine: str) -> np.ndarray:
        runner = load(engine, folder, graph, threads=1)[0]
        return np.array(runner.infer(runner.prepare(batch)), np.float64)

    truth = answer("onnxruntime-fp32")
    difference = np.abs(answer("ctranslate2-fp32") - truth).max()
    if not difference < FLOAT_DIFFERENCE_MAX:
        raise SystemExit(f"CTranslate2 in float32 is {difference:.3g} away from onnxruntime: its model is wrong")
    print(f"{graph}: CTranslate2 in float32 is at most {difference:.1e} away from onnxruntime", file=sys.stderr)
    for engine in ("onnxruntime-int8", "openvino-int8", "ctranslate2-int8"):
        given = answer(engine)
        cosines = (given * truth).sum(1) / np.sqrt((given**2).sum(1) * (truth**2).sum(1))
        print(f"{graph}: {engine} has cosines of at least {cosines.min():.4f} with float32", file=sys.stderr)


def prepare(model: Path, graph: str, folder: Path, sentences: list[str]) -> None:
    """The peers' models of one graph in `folder`; OpenVINO's is calibrated on `sentences`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    source = folder / "source.onnx"
    onnx.save(GRAPHS[graph](model), str(source))
    print(f"{graph}: onnxruntime fused", make_onnxruntime(source, config, folder), file=sys.stderr)
    make_openvino_int8(source, tokenizer, sentences, folder / "openvino-int8.xml")
    print(f"{graph}: OpenVINO calibrated", file=sys.stderr)
    write_ctranslate2(model, folder / "ctranslate2", with_pooler=graph == "logits")
    source.unlink()
    check(folder, graph, tokenizer)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--graphs", default="mean", help=f"comma-separated: {', '.join(GRAPHS)}")
    arguments = parser.parse_args()
    for graph in arguments.graphs.split(","):
        prepare(arguments.model, graph, arguments.cache / graph, calibration_sentences())
    (arguments.cache / "done").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
