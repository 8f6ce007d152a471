"""nghttp2's load generator: many streams at once, over HTTP/2 and HTTP/1.1."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Server


def run(*words: str) -> str:
    return subprocess.run(["h2load", *words], capture_output=True, text=True, timeout=120).stdout


CLIENT = ("h2load", run("--version").split("/")[-1].strip() if shutil.which("h2load") else "not installed")
pytestmark = pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not installed")


def assert_all_answered(text: str, count: int) -> None:
    assert f"{count} succeeded, 0 failed, 0 errored, 0 timeout" in text, text[-600:]
    assert re.search(rf"status codes: {count} 2xx, 0 3xx, 0 4xx, 0 5xx", text), text[-600:]


@pytest.fixture
def body(tmp_path: Path) -> str:
    file = tmp_path / "body"
    file.write_text(json.dumps({"model": {"name": "guard"}, "inputs": [{"text": "How do I bake bread?"}]}))
    return str(file)


JSON = ["-H", "content-type: application/json"]


def test_http2_prior_knowledge_with_many_streams(server: Server, body: str):
    text = run("-n", "2000", "-c", "4", "-m", "32", *JSON, "-d", body, f"{server.url}/martlet/v1/classify")
    assert_all_answered(text, 2000)


def test_http1_keep_alive(server: Server, body: str):
    text = run("--h1", "-n", "1000", "-c", "8", *JSON, "-d", body, f"{server.url}/martlet/v1/classify")
    assert_all_answered(text, 1000)


def test_http1_pipelining(server: Server, body: str):
    text = run("--h1", "-n", "1000", "-c", "4", "-m", "8", *JSON, "-d", body, f"{server.url}/martlet/v1/classify")
    assert_all_answered(text, 1000)


def test_grpc_unary(server: Server, tmp_path: Path):
    request = b"\x0a\x07\x0a\x05guard\x12\x06\x0a\x04text"
    file = tmp_path / "grpc"
    file.write_bytes(b"\0" + len(request).to_bytes(4, "big") + request)
    head = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    path = "/martlet.v1.InferenceService/Classify"
    assert_all_answered(run("-n", "2000", "-c", "8", "-m", "16", *head, "-d", str(file), server.url + path), 2000)
