"""Modes that martlet-measure judges itself: its lines are rows already."""

from __future__ import annotations

import json
import os
import subprocess

from .failure import BenchError, say
from .workers import Setup

MODES = ["overhead", "document", "load", "unload"]
SECONDS_MAX = 1800


def run_own(
    mode: str, setup: Setup, quick: bool, seconds_max: int = SECONDS_MAX, words: tuple[str, ...] = ()
) -> list[dict]:
    """Rows with case, martlet, unit and, where there is a limit, peer, peer_value, ratio, target, holds.

    words are options of this mode alone.
    """
    say(mode)
    command = [str(setup.measure), mode, "--json", *words] + (["--quick"] if quick else [])
    # Server and client are two processes, so these have the whole machine.
    everywhere = os.sched_getaffinity(0)
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds_max,
        preexec_fn=lambda: os.sched_setaffinity(0, everywhere),
    )
    # 1: measured, and a limit is missed; the rows say which.
    if done.returncode not in (0, 1):
        raise BenchError(f"martlet-measure {mode} ended with {done.returncode}; see above")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
