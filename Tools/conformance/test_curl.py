"""curl, over HTTP/1.1 and over HTTP/2 without an upgrade."""

import json
import subprocess

import pytest

from conftest import Server


def curl(*words: str) -> str:
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "20", *words], check=True, capture_output=True, text=True
    ).stdout


CLIENT = ("curl", curl("--version").split()[1])
PROTOCOLS = ["--http1.1", "--http2-prior-knowledge"]
JSON = ["-H", "content-type: application/json"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_classification(server: Server, protocol: str):
    answer = curl(protocol, *JSON, "-d", '{"text": "这是一个简单的文本数据"}', f"{server.url}/api/text-classification")
    assert json.loads(answer)["model"]["name"] == "guard"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_status_and_head(server: Server, protocol: str):
    status = ["-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
    version = "2" if "2" in protocol else "1.1"
    assert curl(protocol, *status, f"{server.url}/readyz") == f"200 {version}"
    assert curl(protocol, *status, f"{server.url}/nothing") == f"404 {version}"
    assert curl(protocol, *status, "-X", "DELETE", f"{server.url}/readyz") == f"405 {version}"
    assert curl(protocol, *status, "-d", "a=b", f"{server.url}/martlet/v1/classify") == f"415 {version}"
    assert "content-length: 6" in curl(protocol, "-I", f"{server.url}/readyz").lower()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_large_body_and_a_document_that_streams(server: Server, protocol: str, tmp_path):
    large = tmp_path / "large"
    large.write_text("x" * (5 << 20))
    code = ["-w", "%{http_code}", "-o", "/dev/null"]
    assert curl(protocol, *code, *JSON, "--data-binary", f"@{large}", f"{server.url}/martlet/v1/classify") == "413"
    document = tmp_path / "document"
    document.write_text("A calm word. " * 3000)
    answer = curl(
        protocol, "-H", "content-type: text/plain", "-H", "accept: application/json", "--data-binary", f"@{document}",
        f"{server.url}/martlet/v1/classify-document?model=guard")
    verdict = json.loads(answer)
    assert verdict["coverage"]["bytesClassified"] == str(document.stat().st_size)
