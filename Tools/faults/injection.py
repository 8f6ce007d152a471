"""Runs a program under strace so that one of its system calls fails, lies, or is the last thing it does.

A point is a system call by name and number, counted over the calls of a thread that touch the scenario's folders
(strace -P), so that what the loader and the runtime do before is no part of it.
"""

import re
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# strace's own words for the calls that touch files, by path or descriptor.
CALLS = "%file,%desc"
LINE = re.compile(r"^(\d+) +(\w+)\(")
TIMEOUT_SECONDS = 60

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


def run(words: list[str], paths: list[Path], log: Path, point: Point | None = None) -> Outcome:
    options = ["strace", "-f", "-q", "-o", str(log), "-e", f"trace={CALLS}"]
    # Faster, but strace 6.1 sends no signals with it.
    if point is None or point.fault != KILL:
        options.append("--seccomp-bpf")
    for path in paths:
        options += ["-P", str(path)]
    if point is not None:
        options += ["-e", f"inject={point.call}:{point.fault}:when={point.number}"]
    done = subprocess.run(options + words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    injected = point is not None and (
        "(INJECTED" in log.read_text(errors="replace") or done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    )
    return Outcome(done.returncode, done.stderr, injected)


def counts(log: Path) -> Counter[str]:
    """How often the thread that did so most made each call."""
    threads: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        if match := LINE.match(line):
            threads[match.group(1), match.group(2)] += 1
    most: Counter[str] = Counter()
    for (_, call), count in threads.items():
        most[call] = max(most[call], count)
    return most


def points(calls: Counter[str], kinds: set[str]) -> list[Point]:
    """Every point of `kinds` (`kill`, `error`) for calls that happened so often."""
    found: list[Point] = []
    for call, count in sorted(calls.items()):
        for number in range(1, count + 1):
            if "kill" in kinds:
                found.append(Point(call, number, KILL))
            if "error" in kinds:
                found += [Point(call, number, f"error={name}") for name in ERRORS]
                found += [Point(call, number, fault) for fault in SHORT.get(call, [])]
    return found
