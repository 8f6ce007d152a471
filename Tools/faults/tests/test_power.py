"""The model of a loss of power finds what a writer left out, and nothing in one that left out nothing."""

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import injection
import power
import tiny
from disk import Force, Operation
from programs import OLD, recorded
from recording import Recording
from scenarios import PublishFirst, Scenario
from served import Load

pytestmark = pytest.mark.skipif(injection.unusable() is not None, reason="strace cannot trace here")

NEW = b"new." * 500
# A file that is replaced; without the words that are given.
REPLACES = """
import os, sys
folder, *left_out = sys.argv[1:]
def force(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
path, new = folder + "/state", folder + "/new"
if "rename" in left_out:
    new = path
with open(new, "wb") as file:
    file.write(b"new." * 500)
if "file" not in left_out:
    force(new)
if new != path:
    os.rename(new, path)
if "folder" not in left_out:
    force(folder)
"""


def found(recording: Recording, folder: Path) -> set[str]:
    """What the file is in a state where it should not."""
    kinds: set[str] = set()
    states = power.states(recording, random.Random(1))
    assert len(states.points) > 1
    for number, point in enumerate(states.points):
        place = folder / str(number)
        power.disk_left(recording, point).build(place)
        held = (place / "state").read_bytes()
        if held not in (OLD, NEW):
            kinds.add("torn")
        elif held == OLD and power.is_told(recording, point):
            kinds.add("lost")
    return kinds


@pytest.mark.parametrize(("left_out", "kinds"), [
    ([], set()),
    (["file"], {"torn"}),
    (["folder"], {"lost"}),
    (["file", "folder"], {"torn", "lost"}),
    (["rename"], {"torn"}),
])
def test_what_a_writer_leaves_out_is_found(tmp_path: Path, left_out: list[str], kinds: set[str]) -> None:
    assert found(recorded(tmp_path, REPLACES, *left_out), tmp_path) == kinds


def test_no_cut_leaves_a_state_that_the_chosen_ones_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = recorded(tmp_path, REPLACES)

    def left(cuts: Callable[[Recording], list[int]]) -> set[tuple[bytes, bool]]:
        monkeypatch.setattr(power, "cuts", cuts)
        points = power.states(recording, random.Random(1)).points
        return {(power.disk_left(recording, point).digest(), power.is_told(recording, point)) for point in points}

    assert left(power.cuts) == left(lambda recording: list(range(len(recording.operations) + 1)))


def problems(scenario: Scenario, recording: Recording, scratch: Path, most: int = power.STATES_MAX) -> list[str]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    return [
        problem for number, point in enumerate(power.states(recording, random.Random(1), most).points)
        for problem in power.problems(scenario, recording, folder / str(number), point, restarts=False)
    ]


def without(recording: Recording, force: Force) -> Recording:
    """The same where that call promises nothing."""
    operations: list[Operation] = [replace(force, begun=0) if one is force else one for one in recording.operations]
    return replace(recording, operations=operations)


def test_each_force_of_a_publish_is_needed(tmp_path: Path) -> None:
    (tmp_path / "publish").mkdir()
    scenario = PublishFirst(tiny.program(), tmp_path / "publish")
    scenario.prepare(tmp_path / "run")
    recording = scenario.record(tmp_path / "run", tmp_path / "trace")

    assert problems(scenario, recording, tmp_path, most=16) == []
    forces = [one for one in recording.operations if isinstance(one, Force)]
    assert len(forces) == 8
    for force in forces:
        assert problems(scenario, without(recording, force), tmp_path, most=16), f"nothing depends on: {force.text}"


def test_each_force_of_the_first_state_that_a_server_saves_is_needed(scratch: Path) -> None:
    if injection.unattachable():
        pytest.skip("strace cannot be attached here")
    (scratch / "load").mkdir()
    scenario = Load(tiny.program(), scratch / "load")
    (scratch / "run").mkdir()
    scenario.prepare(scratch / "run")
    recording = scenario.record(scratch / "run", scratch / "trace")

    assert problems(scenario, recording, scratch) == []
    # Its folder's name, its bytes, its name.
    forces = [one for one in recording.operations if isinstance(one, Force)]
    assert len(forces) == 3
    for force in forces:
        assert problems(scenario, without(recording, force), scratch), f"nothing depends on: {force.text}"


def test_a_state_can_be_repeated_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "publish").mkdir()
    scenario = PublishFirst(tiny.program(), tmp_path / "publish")
    scenario.prepare(tmp_path / "run")
    states = power.states(scenario.record(tmp_path / "run", tmp_path / "trace"), random.Random(1), most=16)
    point = next(one for one in states.points if "torn" in one.fault)
    run = Path(__file__).resolve().parent.parent / "run"
    done = subprocess.run(
        [sys.executable, run, "--scenario", "publish-first", "--point", str(point)],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 losses of power), 1 of them met, 0 do not hold" in done.stdout
