"""Runs a program under strace, or attaches strace to one that runs, so that one of its system calls fails, lies, or is
the last thing it does.

A point is a system call by name and number, counted over the calls of a thread that touch the scenario's folders
(strace -P), so that what the loader and the runtime do before is no part of it. Where two threads come to the same
number, a kill comes at the first and an error at both.
"""

import re
import shutil
import signal
import subprocess
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# strace's own words for the calls that touch files, by path or descriptor.
CALLS = "%file,%desc"
LINE = re.compile(r"^(\d+) +(\w+)\(")
TIMEOUT_SECONDS = 60
# More than any state file of a scenario has.
STRING_BYTES_MAX = 1 << 20

ERRORS = ["ENOSPC", "EIO", "EACCES", "EMFILE", "ENFILE", "EDQUOT", "EROFS", "EINTR", "ENOMEM", "ENOENT", "EEXIST"]
# Calls that move bytes can also do less than they were asked, or say that they did.
SHORT = {
    "pwrite64": ["retval=1", "retval=0"],
    "write": ["retval=1", "retval=0"],
    "pread64": ["retval=1", "retval=0"],
    "read": ["retval=1", "retval=0"],
    "getdents64": ["retval=0"],
}
KILL = "signal=SIGKILL"


@dataclass(frozen=True, order=True)
class Point:
    call: str
    number: int
    # What strace does there: `signal=SIGKILL`, `error=EIO`, `retval=1`.
    fault: str

    def __str__(self) -> str:
        return f"{self.call} {self.number}: {self.fault}"


@dataclass
class Outcome:
    status: int
    errors: str
    # Whether the fault came up: a call that did not happen cannot fail.
    injected: bool

    @property
    def crashed(self) -> bool:
        """Ended by a signal, or by one that its shell or strace passed on as a status; a kill of ours apart."""
        return self.status < 0 or self.status > 128


def unusable() -> str | None:
    """Why strace cannot be used here; None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Tools/install-packages)"
    words = ["strace", "-f", "-e", "trace=close", "-e", "inject=close:error=EIO:when=1000", "-o", "/dev/null", "true"]
    trial = subprocess.run(words, capture_output=True, text=True)
    return None if trial.returncode == 0 else f"strace cannot trace here: {trial.stderr.strip()}"


def unattachable() -> str | None:
    """Why strace cannot be attached to a process that runs; None when it can."""
    with subprocess.Popen(["sleep", str(TIMEOUT_SECONDS)]) as sleeper:
        try:
            Attached(sleeper.pid, [], Path("/dev/null")).detach()
            return None
        except RuntimeError as error:
            return str(error)
        finally:
            sleeper.kill()


def filters(paths: list[Path], log: Path, point: Point | None, is_recorded: bool = False) -> list[str]:
    options = ["-o", str(log), "-e", f"trace={CALLS}"]
    for path in paths:
        options += ["-P", str(path)]
    if point is None or is_recorded:
        # What is written, whole and in hexadecimal digits, and the paths of descriptors.
        options += ["-y", "-xx", "-s", str(STRING_BYTES_MAX)]
    if point is not None:
        options += ["-e", f"inject={point.call}:{point.fault}:when={point.number}"]
    return options


class Attached:
    """strace at a process that runs, all its threads included, until it ends or `detach` is called."""

    def __init__(self, process: int, paths: list[Path], log: Path, point: Point | None = None) -> None:
        words = ["strace", "-f", "-p", str(process), *filters(paths, log, point)]
        self.tracer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.tracer.stderr is not None
        said = ""
        for line in self.tracer.stderr:
            said = line.strip()
            if "attached" in line:
                break
        else:
            self.tracer.wait(timeout=TIMEOUT_SECONDS)
            raise RuntimeError(f"strace cannot attach here: {said}")
        # It tells of threads that come and go; nobody reads that.
        threading.Thread(target=self.tracer.stderr.read, daemon=True).start()

    def __enter__(self) -> "Attached":
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def detach(self) -> None:
        self.tracer.terminate()
        try:
            self.tracer.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.tracer.kill()
            self.tracer.wait()


def run(
    words: list[str], paths: list[Path], log: Path, point: Point | None = None, is_recorded: bool = False
) -> Outcome:
    """`is_recorded`: whether the log has what is written with a fault too; without one it always has."""
    options = ["strace", "-f", "-q", *filters(paths, log, point, is_recorded)]
    # Faster, but strace 6.1 sends no signals with it.
    if point is None or point.fault != KILL:
        options.append("--seccomp-bpf")
    done = subprocess.run(options + words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    injected = point is not None and (
        "(INJECTED" in log.read_text(errors="replace") or done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    )
    return Outcome(done.returncode, done.stderr, injected)


def counts(lines: list[str]) -> Counter[str]:
    """Of strace's lines: how often the thread that did so most made each call."""
    threads: Counter[tuple[str, str]] = Counter()
    for line in lines:
        if match := LINE.match(line):
            threads[match.group(1), match.group(2)] += 1
    most: Counter[str] = Counter()
    for (_, call), count in threads.items():
        most[call] = max(most[call], count)
    return most


def points(calls: Counter[str], kinds: set[str], spared: frozenset[str]) -> list[Point]:
    """Every point of `kinds` (`kill`, and `error` but for calls that are `spared`) for calls that happened so often."""
    found: list[Point] = []
    for call, count in sorted(calls.items()):
        for number in range(1, count + 1):
            if "kill" in kinds:
                found.append(Point(call, number, KILL))
            if "error" in kinds and call not in spared:
                found += [Point(call, number, f"error={name}") for name in ERRORS]
                found += [Point(call, number, fault) for fault in SHORT.get(call, [])]
    return found
