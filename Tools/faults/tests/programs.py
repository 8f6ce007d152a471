"""Small Python programs whose changes to a folder are recorded."""

import sys
from pathlib import Path

import injection
from disk import Disk
from recording import Recording, record

# What the file `state` holds before.
OLD = b"old." * 400


def recorded(folder: Path, program: str, *words: str) -> Recording:
    """What the program does to `folder`/root, of which it is told, and words after it."""
    root = folder / "root"
    root.mkdir()
    (root / "state").write_bytes(OLD)
    start = Disk.of(root)
    done = injection.run([sys.executable, "-c", program, str(root), *words], [], folder / "trace")
    assert done.status == 0, done.errors
    return record(start, root, folder / "trace")
