#!/usr/bin/env python3
"""Writes a BertForSequenceClassification of BERT-base size with random weights, as a Hugging Face folder.

  random_bert.py --like FOLDER --output FOLDER

Time does not depend on the values, so nobody has to download 400 MB to compare speeds. The tokenizer is that of --like,
which must be a BERT folder with the same vocabulary. The same seed writes the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SEED = 11
SPREAD = 0.02  # as BERT is initialised
HIDDEN, LAYERS, HEADS, INNER, LABELS = 768, 12, 12, 3072, 2


def tensor_shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """Names as Hugging Face writes them; the order is that in which the weights are drawn."""
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (config["vocab_size"], HIDDEN),
        "bert.embeddings.position_embeddings.weight": (config["max_position_embeddings"], HIDDEN),
        "bert.embeddings.token_type_embeddings.weight": (config["type_vocab_size"], HIDDEN),
    }

    def linear(name: str, rows: int, columns: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (rows, columns), (rows,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (HIDDEN,), (HIDDEN,)

    norm("bert.embeddings.LayerNorm")
    for index in range(LAYERS):
        layer = f"bert.encoder.layer.{index}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", HIDDEN, HIDDEN)
        linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", INNER, HIDDEN)
        linear(f"{layer}.output.dense", HIDDEN, INNER)
        norm(f"{layer}.output.LayerNorm")
    linear("bert.pooler.dense", HIDDEN, HIDDEN)
    linear("classifier", LABELS, HIDDEN)
    return shapes


def draw(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(SEED)
    weights = {}
    for name, shape in shapes.items():
        values = rng.standard_normal(shape, dtype=np.float32) * np.float32(SPREAD)
        weights[name] = values + np.float32(1) if name.endswith("LayerNorm.weight") else values
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--like", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    config = json.loads((arguments.like / "config.json").read_text(encoding="utf-8"))
    config |= {
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "vocab.txt"):
        shutil.copyfile(arguments.like / name, arguments.output / name)
    (arguments.output / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file(draw(tensor_shapes(config)), arguments.output / "model.safetensors")


if __name__ == "__main__":
    main()
