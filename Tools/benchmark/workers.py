"""Engines in child processes that stay, so that each loads its model once and they can take turns."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .failure import BenchError

MARTLET = "martlet"


@dataclass
class Setup:
    """What is installed, and the CPUs that may be used."""

    python: Path
    measure: Path
    cpus: list[int]
    models: dict[str, Path] = field(default_factory=dict)  # the peers' models of each encoder


class Worker:
    """One process, pinned to as many CPUs as it has threads; orders and answers are lines of JSON."""

    def __init__(self, name: str, command: list[str], threads: int, cpus: list[int]) -> None:
        self.name = name
        self.errors = tempfile.TemporaryFile(mode="w+")
        # numpy's own threads would only disturb: it pools what CTranslate2 gives.
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus[-threads:]),
        )

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.errors.seek(0)
            raise BenchError(f"{self.name} ended with {code}: {self.errors.read()[-400:].strip()}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(f"{self.name}: {answer['error']}")
        return answer

    def ask(self, order: dict) -> dict:
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `answer` tells how the process ended
        return self.answer()

    def close(self) -> None:
        try:
            self.process.stdin.close()
            self.process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.errors.close()


def command_of(engine: str, setup: Setup, model: str, threads: int, streams: int) -> list[str]:
    if engine == MARTLET:
        return [str(setup.measure), "encoder-worker", "--model", model, "--threads", str(threads)]
    script = Path(__file__).resolve().parent.parent / "peers" / "worker.py"
    return [str(setup.python), str(script), "--engine", engine, "--models", str(setup.models[model])] + [
        "--threads",
        str(threads),
        "--streams",
        str(streams),
    ]


@contextmanager
def workers(
    setup: Setup, engines: list[str], model: str, threads: int, streams: int = 1
) -> Iterator[dict[str, Worker]]:
    """The engines by name, ready for orders."""
    with ExitStack() as stack:
        started = {}
        for engine in engines:
            worker = Worker(engine, command_of(engine, setup, model, threads, streams), threads, setup.cpus)
            stack.callback(worker.close)
            started[engine] = worker
        for worker in started.values():
            worker.answer()  # {"ready": true}
        yield started
