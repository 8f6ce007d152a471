"""Ends a run by SIGTERM or SIGINT as an error would: no folder stays, and no process that it started."""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
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
        # An error raised here could come while a lock is taken that nobody would give back.
        signal.signal(number, lambda number, _: told.append(number))
    is_over = threading.Event()
    killer = threading.Thread(target=kill_when_told, args=[is_over])
    killer.start()
    try:
        yield
    finally:
        is_over.set()
        killer.join()
        while kill_descendants():
            time.sleep(LOOK_SECONDS)
        end_when_told()


def end_when_told() -> None:
    """In place of what the killed processes' end led to."""
    if told:
        raise SystemExit(128 + told[0])


def results(pool: ThreadPoolExecutor, function: Callable[..., Result], work: Iterable[tuple[Any, ...]]) -> list[Result]:
    """Of `function` on each of `work`, in order. When a signal comes none begins any more."""
    runs = [pool.submit(function, *one) for one in work]
    found: list[Result] = []
    for run in runs:
        while not told and not wait([run], LOOK_SECONDS).done:
            pass
        if told:
            pool.shutdown(wait=True, cancel_futures=True)
        end_when_told()
        found.append(run.result())
    return found


def kill_when_told(is_over: threading.Event) -> None:
    """Once a signal came no process lives long that this one started: what waits for one goes on."""
    while not is_over.wait(LOOK_SECONDS):
        if told:
            kill_descendants()


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
