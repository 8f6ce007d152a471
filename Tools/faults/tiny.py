"""The two versions of a tiny model that every scenario works on."""

import functools
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "Tests/MartletConvertTests/Fixtures/tiny-bert"


def program() -> str:
    """Where `martlet` is, once it is built."""
    return os.environ.get("MARTLET_BINARY") or str(ROOT / ".build/release/martlet")


def martlet(binary: str, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([binary, *words], capture_output=True, text=True, timeout=seconds)


@functools.cache
def versions(binary: str, base: Path) -> Path:
    """A models folder inside `base` with tiny/1 and tiny/2, of which no file is the same; made once."""
    models = base / "build"
    for version, precision in ((1, "int8"), (2, "float32")):
        words = ["--name", "tiny", "--version", str(version), "--models", str(models), "--force"]
        made = martlet(binary, "convert", str(SOURCE), *words, "--precision", precision)
        assert made.returncode == 0, made.stderr
    return models
