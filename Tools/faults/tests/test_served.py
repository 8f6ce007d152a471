"""The states that a run saves are all learned, however short one lasts."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

import injection
import served

STATES = [{"models": {"tiny": {"quarantine": {}, "note": note}}} for note in ('one "quoted"', "two\n", "three \u00e9")]
SAVES = """
import os, sys
state, new = sys.argv[1:3]
for written in sys.argv[3:]:
    file = os.open(new, os.O_WRONLY | os.O_CREAT)
    os.write(file, written.encode())
    os.close(file)
    os.rename(new, state)
"""


def written(state: served.State) -> str:
    body = json.dumps(state, ensure_ascii=False)
    return f"martlet-state sha256:{hashlib.sha256(body.encode()).hexdigest()}\n{body}"


@pytest.mark.skipif(injection.unusable() is not None, reason=str(injection.unusable()))
def test_states_that_follow_each_other_at_once_are_all_learned(tmp_path: Path) -> None:
    paths = served.state_paths(tmp_path)
    paths[0].mkdir(parents=True)
    words = [sys.executable, "-c", SAVES, str(paths[1]), str(paths[2]), *map(written, STATES)]

    done = injection.run(words, paths, tmp_path / "trace")

    assert done.status == 0, done.errors
    assert served.read_state(tmp_path) == STATES[-1]
    assert served.saved_states(tmp_path / "trace") == STATES
