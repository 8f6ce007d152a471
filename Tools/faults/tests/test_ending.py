"""Tools/faults/run, ended by a signal in the middle of its work."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import injection

RUN = Path(__file__).resolve().parent.parent / "run"


def of_folder(folder: Path) -> list[str]:
    """Command lines of processes that name `folder`."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(folder) in words:
                found.append(words)
    return found


@pytest.mark.skipif(injection.unusable() is not None, reason="strace cannot trace here")
@pytest.mark.parametrize("scenario", ["publish", "serve-load"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_folder_and_no_process(scratch, scenario, number):
    if scenario != "publish" and injection.unattachable():
        pytest.skip("strace cannot be attached here")
    with subprocess.Popen(
        [sys.executable, RUN, "--scenario", scenario], env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as run:
        while not list(scratch.glob("martlet-faults-*/point-*")):
            assert run.poll() is None, run.communicate()[0]
        run.send_signal(number)
        output = run.communicate(timeout=60)[0]
    assert run.returncode == 128 + number, output
    assert list(scratch.iterdir()) == []
    assert of_folder(scratch) == []


# Where a signal comes: an error of its handler would be ignored in a callback, and leave a lock of the pool's taken
# while work is handed out.
ENDS = {
    "a callback": """
class Last:
    def __del__(self):
        end()
Last()
""",
    "work that is handed out": "",
}
PROGRAM = """
import os, signal, time
from concurrent.futures import ThreadPoolExecutor
import ending
def end():
    os.kill(os.getpid(), signal.SIGTERM)
with ending.clean(), ThreadPoolExecutor(2) as pool:
{ends}
    ending.results(pool, lambda: end() or time.sleep(0.1), [()] * 10000)
"""


@pytest.mark.parametrize("place", ENDS)
def test_a_signal_ends_it_wherever_it_comes(place):
    words = [sys.executable, "-c", PROGRAM.format(ends=textwrap.indent(ENDS[place], "    "))]
    done = subprocess.run(words, cwd=RUN.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
