"""Ends a run by SIGTERM or SIGINT as an error would: no folder stays, and no process that it started."""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
LOOK_SECONDS = 0.05

# The signal that came, if one did.
told: list[int] = []

Result = TypeVar("Result")


@contextlib.contextmanager
def clean() -> Iterator[None]:
    """What runs inside may be ended by a signal. For the main thread."""
    # Who strace traced lives on when strace is killed: it becomes a child of this process and not of the first one.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in SIGNALS:
        signal.signal(number, stop)
    try:
        yield
        end_when_told()
    finally:
        while kill_descendants():
            time.sleep(LOOK_SECONDS)


def stop(number: int, _: FrameType | None) -> None:
    # What is cleaned up now is not to be broken off by the next one.
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    told.append(number)
    end_when_told()


def end_when_told() -> None:
    """Again where it matters: Python ignores what is raised while it runs a callback of the collector's."""
    if told:
        raise SystemExit(128 + told[0])


def results(pool: ThreadPoolExecutor, function: Callable[..., Result], work: Iterable[tuple[Any, ...]]) -> list[Result]:
    """Of `function` on each of `work`, in order. When that is broken off, none begins any more and what they started is
    killed."""
    try:
        runs = [pool.submit(function, *one) for one in work]
        found: list[Result] = []
        for run in runs:
            end_when_told()
            found.append(run.result())
        return found
    except BaseException:
        with killing():
            pool.shutdown(wait=True, cancel_futures=True)
        raise


@contextlib.contextmanager
def killing() -> Iterator[None]:
    """While this is open no process lives long that this one started."""
    is_over = threading.Event()

    def kill() -> None:
        while not is_over.wait(LOOK_SECONDS):
            kill_descendants()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        is_over.set()
        killer.join()


def kill_descendants() -> int:
    """Kills every process that this one started, and that those did. Returns how many lived."""
    living = [process for process in descendants(os.getpid()) if is_alive(process)]
    for process in living:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return len(living)


def descendants(process: int | str) -> list[int]:
    found: list[int] = []
    # A thread may end between the two looks.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for child in (task / "children").read_text().split():
                    found += [*descendants(child), int(child)]
    return found


def is_alive(process: int) -> bool:
    """False for one that has ended and that nobody asked about yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
