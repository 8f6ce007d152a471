"""A BERT sequence classifier as a standard ONNX graph, built by hand from a Hugging Face folder.

Written without torch or transformers, so that fixtures and benchmarks need neither. Only operators of the ONNX standard
are used, in the shapes that onnxruntime's transformers optimizer recognises and fuses.
Inputs: input_ids, attention_mask, token_type_ids, each int64 [batch, tokens]. Output: logits float32 [batch, labels].
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

OPSET = 17
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class GraphBuilder:
    """Collects nodes and initialisers; each method adds one node and returns the name of its output."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def node(self, kind: str, inputs: list[str], name: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{name}/{kind}", **attributes))
        return name

    def constant(self, name: str, value: object, dtype: type) -> str:
        self.constants[name] = np.array(value, dtype)
        return name

    def weight(self, name: str, transpose: bool = False) -> str:
        value = self.weights[name]
        self.constants[name] = np.ascontiguousarray(value.T if transpose else value)
        return name

    def linear(self, x: str, name: str, bias_first: bool = True) -> str:
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", transpose=True)], f"{name}.matmul")
        pair = [self.weight(f"{name}.bias"), product]
        return self.node("Add", pair if bias_first else pair[::-1], f"{name}.out")

    def layer_norm(self, x: str, name: str, epsilon: float) -> str:
        inputs = [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.node("LayerNormalization", inputs, f"{name}.out", axis=-1, epsilon=epsilon)

    def gelu(self, x: str, name: str) -> str:
        """0.5 x (1 + erf(x / sqrt 2))."""
        scaled = self.node("Div", [x, self.constant("sqrt2", np.sqrt(2.0), np.float32)], f"{name}.scaled")
        curve = self.node("Erf", [scaled], f"{name}.erf")
        shifted = self.node("Add", [curve, self.constant("one", 1.0, np.float32)], f"{name}.shifted")
        gated = self.node("Mul", [x, shifted], f"{name}.gated")
        return self.node("Mul", [gated, self.constant("half", 0.5, np.float32)], f"{name}.gelu")


def embeddings(build: GraphBuilder, epsilon: float) -> str:
    prefix = "bert.embeddings"
    word = build.node("Gather", [build.weight(f"{prefix}.word_embeddings.weight"), "input_ids"], "words")
    kind = build.node("Gather", [build.weight(f"{prefix}.token_type_embeddings.weight"), "token_type_ids"], "types")
    shape = build.node("Shape", ["input_ids"], "ids_shape")
    length = build.node("Gather", [shape, build.constant("axis1", 1, np.int64)], "length", axis=0)
    end = build.node("Unsqueeze", [length, build.constant("axes0", [0], np.int64)], "end")
    table = f"{prefix}.position_embeddings.weight"
    build.constant("all_positions", [range(len(build.weights[table]))], np.int64)
    bounds = [
        "all_positions",
        build.constant("zero", [0], np.int64),
        end,
        build.constant("dim1", [1], np.int64),
        build.constant("step1", [1], np.int64),
    ]
    positions = build.node("Slice", bounds, "position_ids")
    place = build.node("Gather", [build.weight(table), positions], "places")
    summed = build.node("Add", [build.node("Add", [word, kind], "words_types"), place], "embedded")
    return build.layer_norm(summed, f"{prefix}.LayerNorm", epsilon)


def attention_mask(build: GraphBuilder) -> str:
    """0 where there is a token, a large negative number where there is padding: [batch, 1, 1, tokens]."""
    one = build.node("Unsqueeze", ["attention_mask", build.constant("axes1", [1], np.int64)], "mask_rows")
    two = build.node("Unsqueeze", [one, build.constant("axes2", [2], np.int64)], "mask_heads")
    real = build.node("Cast", [two], "mask_float", to=TensorProto.FLOAT)
    padded = build.node("Sub", [build.constant("mask_one", 1.0, np.float32), real], "mask_padding")
    return build.node("Mul", [padded, build.constant("mask_low", -10000.0, np.float32)], "mask")


def attention(build: GraphBuilder, x: str, layer: str, heads: int, hidden: int, mask: str) -> str:
    size = hidden // heads
    split = build.constant("split_heads", [0, 0, heads, size], np.int64)
    parts = {}
    for part in ("query", "key", "value"):
        flat = build.linear(x, f"{layer}.attention.self.{part}")
        shaped = build.node("Reshape", [flat, split], f"{layer}.{part}.shaped")
        order = [0, 2, 3, 1] if part == "key" else [0, 2, 1, 3]
        parts[part] = build.node("Transpose", [shaped], f"{layer}.{part}.heads", perm=order)
    scores = build.node("MatMul", [parts["query"], parts["key"]], f"{layer}.scores")
    scaled = build.node("Div", [scores, build.constant("root_size", np.sqrt(size), np.float32)], f"{layer}.scaled")
    masked = build.node("Add", [scaled, mask], f"{layer}.masked")
    weights = build.node("Softmax", [masked], f"{layer}.weights", axis=-1)
    context = build.node("MatMul", [weights, parts["value"]], f"{layer}.context")
    rows = build.node("Transpose", [context], f"{layer}.rows", perm=[0, 2, 1, 3])
    return build.node("Reshape", [rows, build.constant("join_heads", [0, 0, hidden], np.int64)], f"{layer}.joined")


def encoder_layer(build: GraphBuilder, x: str, index: int, config: dict, mask: str) -> str:
    layer, epsilon = f"bert.encoder.layer.{index}", config["layer_norm_eps"]
    joined = attention(build, x, layer, config["num_attention_heads"], config["hidden_size"], mask)
    out = build.linear(joined, f"{layer}.attention.output.dense")
    x = build.layer_norm(
        build.node("Add", [out, x], f"{layer}.residual1"), f"{layer}.attention.output.LayerNorm", epsilon
    )
    wide = build.gelu(build.linear(x, f"{layer}.intermediate.dense"), f"{layer}.intermediate")
    out = build.linear(wide, f"{layer}.output.dense")
    return build.layer_norm(build.node("Add", [out, x], f"{layer}.residual2"), f"{layer}.output.LayerNorm", epsilon)


def classifier(build: GraphBuilder, x: str) -> str:
    first = build.node("Gather", [x, build.constant("first_token", 0, np.int64)], "cls", axis=1)
    pooled = build.node("Tanh", [build.linear(first, "bert.pooler.dense")], "pooled")
    product = build.node("MatMul", [pooled, build.weight("classifier.weight", transpose=True)], "class_scores")
    return build.node("Add", [product, build.weight("classifier.bias")], "logits")


def build_graph(folder: Path) -> onnx.ModelProto:
    """The graph of a BertForSequenceClassification folder (config.json, model.safetensors in float32)."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("hidden_act") != "gelu":
        raise ValueError(f"{folder}: only the erf form of GELU is built here")
    weights = load_file(folder / "model.safetensors")
    build = GraphBuilder(weights)
    x = embeddings(build, config["layer_norm_eps"])
    mask = attention_mask(build)
    for index in range(config["num_hidden_layers"]):
        x = encoder_layer(build, x, index, config, mask)
    classifier(build, x)
    graph = helper.make_graph(
        build.nodes,
        "bert",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in INPUTS],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(config["id2label"])])],
        [numpy_helper.from_array(value, name) for name, value in build.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model
