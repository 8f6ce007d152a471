"""Makes MLServer's model of a Hugging Face folder: onnxruntime's int8, as the other benchmarks have it.

  prepare.py --model FOLDER --output FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import onnx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "models")]
from bert_graph import build_graph  # noqa: E402
from onnxruntime_model import make_onnxruntime  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    source = arguments.output / "source.onnx"
    onnx.save(build_graph(arguments.model), str(source))
    config = json.loads((arguments.model / "config.json").read_text(encoding="utf-8"))
    make_onnxruntime(source, config, arguments.output)
    source.unlink()
    shutil.copy(arguments.model / "tokenizer.json", arguments.output)
    (arguments.output / "done").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
