"""Makes the peers' int8 models once, in a cache folder: onnxruntime dynamic int8 and OpenVINO static int8.

  prepare.py --model FOLDER --cache FOLDER

FOLDER is a Hugging Face BertForSequenceClassification. Settings are each project's own recommendation for BERT on CPU:
onnxruntime's transformers optimizer (fused attention, GELU, LayerNorm), then quantize_dynamic with int8 weights;
OpenVINO by nncf.quantize with model_type TRANSFORMER, calibrated on 100 sentences.
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
from bert_graph import INPUTS, build_graph  # noqa: E402

CALIBRATION_SENTENCES = 100

# Calibration sentences are put together from these, so that preparing needs no text that is not ours.
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


def make_float(folder: Path, target: Path) -> None:
    onnx.save(build_graph(folder), str(target))


def make_onnxruntime_int8(source: Path, config: dict, target: Path) -> dict[str, int]:
    """Returns how many operators the optimizer fused; a peer that was not fused would be an unfair one."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    fused = optimizer.optimize_model(
        str(source),
        model_type="bert",
        num_heads=config["num_attention_heads"],
        hidden_size=config["hidden_size"],
        optimization_options=FusionOptions("bert"),
        opt_level=0,
    )
    counts = {name: count for name, count in fused.get_fused_operator_statistics().items() if count}
    if counts.get("Attention") != config["num_hidden_layers"]:
        raise SystemExit(f"onnxruntime's optimizer fused only {counts}; the comparison would not be fair")
    middle = target.with_suffix(".fused.onnx")
    fused.save_model_to_file(str(middle))
    quantize_dynamic(
        middle, target, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT}
    )
    middle.unlink()
    return counts


def make_openvino_int8(source: Path, tokenizer: Tokenizer, target: Path) -> None:
    import nncf
    import openvino

    nncf.set_log_level(logging.ERROR)
    model = openvino.Core().read_model(source)
    ids = [tokenizer.encode(sentence).ids for sentence in calibration_sentences()]
    quantised = nncf.quantize(
        model,
        nncf.Dataset([inputs_of(row) for row in ids]),
        subset_size=CALIBRATION_SENTENCES,
        model_type=nncf.ModelType.TRANSFORMER,
    )
    openvino.save_model(quantised, target, compress_to_fp16=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    arguments = parser.parse_args()
    cache: Path = arguments.cache
    cache.mkdir(parents=True, exist_ok=True)
    config = json.loads((arguments.model / "config.json").read_text(encoding="utf-8"))
    source, ort, ov = cache / "float32.onnx", cache / "onnxruntime-int8.onnx", cache / "openvino-int8.xml"
    make_float(arguments.model, source)
    print("onnxruntime int8: fused", make_onnxruntime_int8(source, config, ort), file=sys.stderr)
    tokenizer = Tokenizer.from_file(str(arguments.model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    make_openvino_int8(source, tokenizer, ov)
    print("OpenVINO int8: calibrated", file=sys.stderr)
    (cache / "done").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
