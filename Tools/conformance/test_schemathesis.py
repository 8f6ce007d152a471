"""schemathesis against our OpenAPI document: whatever it makes up, the answer is one that the document names."""

import subprocess
import sys
from pathlib import Path

from conftest import Server

CLIENT = "schemathesis"


def test_every_route_answers_made_up_requests_as_documented(server: Server, tmp_path: Path):
    # Loads and unloads would change what the other tests see.
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.url}/openapi.json",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance",
        "--exclude-path-regex", "(load|unload|label|watch)", "--max-examples", "8", "--seed", "1",
        "--request-timeout", "10", "--no-color",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:]
