"""Modules of the tool beside this folder."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Short: the servers' sockets in it have room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="f") as name:
        yield Path(name)
