"""onnxruntime's models of an ONNX graph: fused by its transformers optimizer, and quantised to int8."""

from __future__ import annotations

from pathlib import Path

import onnx


def make_onnxruntime(source: Path, config: dict, folder: Path) -> dict[str, int]:
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
    float32 = folder / "onnxruntime-fp32.onnx"
    fused.save_model_to_file(str(float32))
    quantize_dynamic(
        float32,
        folder / "onnxruntime-int8.onnx",
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    return counts
