"""schemathesis against our OpenAPI document: whatever it makes up, the answer is one that the document names."""

import subprocess
import sys
from pathlib import Path

from conftest import Server

CLIENT = "schemathesis"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def test_every_route_answers_made_up_requests_as_documented(server: Server, tmp_path: Path):
    program = Path(sys.executable).parent / "schemathesis"
    command = [program, "--config-file", CONFIGURATION, "--no-color", "run", f"{server.url}/openapi.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
