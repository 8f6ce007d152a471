"""The encoder whose every row is needed, as a standard ONNX graph: ids, mask, types -> encoder -> mean over the tokens.

Inputs: input_ids, attention_mask, token_type_ids, each int64 [batch, tokens]. Output: mean float32 [batch, hidden].
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models"))
from bert_graph import INPUTS, OPSET, GraphBuilder, attention_mask, embeddings, encoder_layer  # noqa: E402


def masked_mean(build: GraphBuilder, x: str) -> str:
    mask = build.node("Cast", ["attention_mask"], "mean_mask", to=TensorProto.FLOAT)
    column = build.node("Unsqueeze", [mask, build.constant("mean_last", [-1], np.int64)], "mean_column")
    axis = build.constant("mean_axis", [1], np.int64)
    total = build.node("ReduceSum", [build.node("Mul", [x, column], "mean_kept"), axis], "mean_sum", keepdims=0)
    count = build.node("ReduceSum", [column, axis], "mean_count", keepdims=0)
    return build.node("Div", [total, count], "mean")


def build_mean_graph(folder: Path) -> onnx.ModelProto:
    """The graph of a BertForSequenceClassification folder (config.json, float32 model.safetensors) but its head."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("hidden_act") != "gelu":
        raise ValueError(f"{folder}: only the erf form of GELU is built here")
    build = GraphBuilder(load_file(folder / "model.safetensors"))
    x = embeddings(build, config["layer_norm_eps"])
    mask = attention_mask(build)
    for index in range(config["num_hidden_layers"]):
        x = encoder_layer(build, x, index, config, mask)
    masked_mean(build, x)
    graph = helper.make_graph(
        build.nodes,
        "bert-mean",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in INPUTS],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", config["hidden_size"]])],
        [numpy_helper.from_array(value, name) for name, value in build.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model
