"""NVIDIA's load generator for Triton, which reads metadata, configuration and statistics before it sends."""

import os
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT, Server

CLIENT = ("perf_analyzer", "2.46.0")
pytestmark = pytest.mark.slow
FOLDER = ROOT / ".build-conformance" / "perf_analyzer"


@pytest.fixture(scope="module", autouse=True)
def program() -> None:
    fetched = subprocess.run([ROOT / "Tools" / "conformance" / "fetch-perf-analyzer"], capture_output=True, text=True)
    if fetched.returncode != 0:
        pytest.skip(fetched.stderr.strip().splitlines()[-1])


def analyze(server: Server, folder: Path, *options: str) -> str:
    """The report of a run of a few short measurements with one text."""
    data = folder / "input.json"
    data.write_text('{"data":[{"text":{"content":["How do I bake sourdough bread?"],"shape":[1]}}]}')
    words = ["-m", "guard", "-u", server.address, "--input-data", str(data), "-p", "1000", "-r", "10", "-s", "80"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(FOLDER)}
    run = subprocess.run(
        [FOLDER / "perf_analyzer", *words, *options], env=environment, capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return run.stdout


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_run_ends_with_the_throughput_and_the_server_s_own_times(server: Server, tmp_path: Path, protocol: str):
    report = analyze(server, tmp_path, "-i", protocol, "--concurrency-range", "2")
    assert "Inferences/Second vs. Client" in report
    assert "Concurrency: 2, throughput:" in report
    assert "Inference count:" in report and "Execution count:" in report


def test_batches_of_eight_are_measured(server: Server, tmp_path: Path):
    report = analyze(server, tmp_path, "-i", "grpc", "-b", "8")
    assert "Batch size: 8" in report and "Concurrency: 1, throughput:" in report


def test_a_stream_is_measured(server: Server, tmp_path: Path):
    report = analyze(server, tmp_path, "-i", "grpc", "--streaming", "--async")
    assert "Concurrency: 1, throughput:" in report
