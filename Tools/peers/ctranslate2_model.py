"""A BERT folder as a CTranslate2 model, filled from its safetensors file.

CTranslate2's own converter reads the same names, but through torch and transformers, half a gigabyte that nothing else
here needs. The specification is the one its BertLoader fills.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from ctranslate2.converters.utils import fuse_linear
from ctranslate2.specs import common_spec, transformer_spec
from safetensors.numpy import load_file


def write_ctranslate2(folder: Path, target: Path, with_pooler: bool) -> None:
    """Writes float32 weights; the engine makes them int8 while loading, as `compute_type` asks."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = load_file(folder / "model.safetensors")

    def linear(spec: common_spec.LinearSpec, name: str) -> common_spec.LinearSpec:
        spec.weight, spec.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return spec

    def norm(spec: common_spec.LayerNormSpec, name: str) -> None:
        spec.gamma, spec.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]

    encoder = transformer_spec.TransformerEncoderSpec(
        config["num_hidden_layers"],
        config["num_attention_heads"],
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    model = transformer_spec.TransformerEncoderModelSpec(
        encoder, pooling_layer=with_pooler, pooling_activation=common_spec.Activation.Tanh
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights["bert.embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights["bert.embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = weights["bert.embeddings.position_embeddings.weight"]
    norm(encoder.layernorm_embedding, "bert.embeddings.LayerNorm")
    for index, spec in enumerate(encoder.layer):
        layer = f"bert.encoder.layer.{index}"
        parts = [
            linear(common_spec.LinearSpec(), f"{layer}.attention.self.{part}") for part in ("query", "key", "value")
        ]
        fuse_linear(spec.self_attention.linear[0], parts)
        linear(spec.self_attention.linear[1], f"{layer}.attention.output.dense")
        norm(spec.self_attention.layer_norm, f"{layer}.attention.output.LayerNorm")
        linear(spec.ffn.linear_0, f"{layer}.intermediate.dense")
        linear(spec.ffn.linear_1, f"{layer}.output.dense")
        norm(spec.ffn.layer_norm, f"{layer}.output.LayerNorm")
    if with_pooler:
        linear(model.pooler_dense, "bert.pooler.dense")
    model.config.unk_token = "[UNK]"
    model.config.layer_norm_epsilon = config["layer_norm_eps"]
    model.register_vocabulary((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
    model.validate()
    model.optimize()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    model.save(str(target))
    if with_pooler:
        # The engine has no classifier: the last product is numpy's, of [batch, hidden] by [hidden, labels].
        np.savez(target / "classifier.npz", weight=weights["classifier.weight"], bias=weights["classifier.bias"])
