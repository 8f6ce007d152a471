"""Scenarios of a server that runs: an owner's operation on it breaks off, or the state file's calls fail.

A point is a call after the server got ready: strace is attached then. The server has one CPU, so that an operation's
calls come from the same threads in each run and their numbers say the same.
"""

import contextlib
import errno
import functools
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import injection
import tiny
from disk import Disk
from injection import Attached, Outcome, Point
from recording import Recording, decoded, record

TEXT = "hello world"
START_SECONDS = 30
OPERATION_SECONDS = 10
# What a rollout does by itself is told first and saved then; and what could not be saved is tried again each second.
SAVED_SECONDS = 1.5
# A server is ended after this, whatever it does. A point has two of them one after the other.
LIFE_SECONDS = 60
MODELS_CONFIG = "defaults: {versions: routed}\nmodels: {tiny: {labels: {latest: 1}}}\n"
# Long enough for each of its states to be saved, and to be what a kill leaves.
ROLLOUT = "{model: tiny, version: 2, steps: [{percent: 100%, bake: 100ms}], keepOld: 1h}\n"

# As strace prints it when strings are whole.
WRITTEN = re.compile(r'\bwrite\(\d+<((?:\\x[0-9a-f]{2})+)>, "((?:\\x[0-9a-f]{2})+)"')

State = dict[str, Any]
Answer = tuple[int, str, str]

turns = itertools.count()


@dataclass
class Served(Outcome):
    # Whether the fault was the server's end.
    killed: bool = False
    # What did not hold of the server that went on.
    problems: list[str] = field(default_factory=list)


class NotStarted(Exception):
    pass


class Server:
    """`martlet serve` on what `folder` holds, on a socket there. Leave it by `with`: then it is gone.

    `first` is called with the process before it runs.
    """

    def __init__(self, binary: str, folder: Path, first: Callable[[int], None] | None = None) -> None:
        self.binary = binary
        self.folder = folder
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        cpus = sorted(os.sched_getaffinity(0))
        words = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"] if first else []
        words += ["taskset", "-c", str(cpus[next(turns) % len(cpus)]), binary, "serve", "--threads", "1"]
        words += ["--models", str(folder / "models"), "--models-config", str(folder / "models.yaml")]
        words += ["--listen", f"unix:{folder / 's'}", "--ready-file", str(ready)]
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.expired = False
        self.begun = time.monotonic()
        self.deeds: list[str] = []
        self.end = threading.Timer(LIFE_SECONDS, self.expire)
        self.end.start()
        if first:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
            try:
                first(self.process.pid)
            except BaseException:
                self.kill()
                raise
            self.process.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NotStarted(f"the server does not start: {self.process.returncode} {self.log.read_text()}")
            time.sleep(0.01)
        self.did("ready")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self.expired:
            raise TimeoutError(
                f"a server took longer than {LIFE_SECONDS} s ({', '.join(self.deeds)}): {self.log.read_text()}")

    def did(self, what: str) -> None:
        self.deeds.append(f"{what} after {time.monotonic() - self.begun:.1f} s")

    def expire(self) -> None:
        self.expired = True
        self.process.kill()

    def kill(self) -> None:
        self.end.cancel()
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As an owner does; the exit status."""
        self.did("asked to stop")
        self.process.terminate()
        return self.process.wait(timeout=LIFE_SECONDS)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(list(words)), capture_output=True, text=True, timeout=OPERATION_SECONDS + 5)

    def command(self, words: list[str]) -> list[str]:
        return [self.binary, *words, "--address", f"unix:{self.folder / 's'}", "--timeout", f"{OPERATION_SECONDS}s"]

    def answer(self, model: str) -> Answer | str:
        """Which version answered, and what; or why none did."""
        done = self.ask("classify", "--model", model, "--json", TEXT)
        if done.returncode != 0:
            return done.stderr.strip()
        said = json.loads(done.stdout)
        return said["model"]["version"], said["model"]["digest"], json.dumps(said["scores"])


@contextlib.contextmanager
def traced_from_start(
    binary: str, folder: Path, paths: list[Path], log: Path, point: Point | None = None
) -> Iterator[Server]:
    tracers: list[Attached] = []
    try:
        with Server(binary, folder, lambda process: tracers.append(Attached(process, paths, log, point))) as server:
            yield server
    finally:
        for tracer in tracers:
            tracer.detach()


def fill(folder: Path, build: Path, config: str = MODELS_CONFIG) -> None:
    shutil.copytree(build / "tiny", folder / "models" / "tiny")
    (folder / "models.yaml").write_text(config)
    (folder / "rollout.yaml").write_text(ROLLOUT)


@functools.cache
def right_answers(binary: str, base: Path) -> list[Answer]:
    """What each version answers when nothing else goes on; once for all scenarios."""
    folder = base / "answers"
    fill(folder, tiny.versions(binary, base), "defaults: {versions: all}\n")
    answers: list[Answer] = []
    with Server(binary, folder) as server:
        for version in (1, 2):
            answer = server.answer(f"tiny@{version}")
            assert not isinstance(answer, str), answer
            answers.append(answer)
    assert answers[0] != answers[1]
    return answers


class Operation:
    """What the scenarios share; one says what was done before, and what is asked while the fault is there."""

    slow = True
    attaches = True
    kinds = {"kill", "error", "power"}
    # Linux closes a descriptor whatever it says; under strace one whose close fails stays open, and keeps its lock.
    spared = frozenset({"close"})
    restarts = 40
    # Words of commands to a server, `FILE` for the rollout's file.
    before: list[list[str]] = []
    asked: list[str]
    # What is asked where the moment of the answer counts; None: the same.
    answered: list[str] | None = None
    # The first of the states that there may be once that was answered.
    promised = 1
    # The version that answers calls by name afterwards, and those that can be called by number.
    answering: int
    ready: list[int]

    def __init__(self, binary: str, scratch: Path) -> None:
        self.binary = binary
        self.build = tiny.versions(binary, scratch.parent)
        self.answers = right_answers(binary, scratch.parent)
        # The states that there may be, from the one before the operation to the one after it.
        self.states: list[State] = []
        self.begun = scratch / "begun"
        fill(self.begun, self.build)
        if self.before:
            with Server(binary, self.begun) as server:
                for words in self.before:
                    done = server.ask(*self.words(server, words))
                    assert done.returncode == 0, done.stderr
                assert server.stop() == 0

    def words(self, server: Server, words: list[str]) -> list[str]:
        return [str(server.folder / "rollout.yaml") if word == "FILE" else word for word in words]

    def prepare(self, folder: Path) -> None:
        shutil.copytree(self.begun, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("s", "ready", "log"))

    def paths(self, folder: Path) -> list[Path]:
        return state_paths(folder)

    def run(self, folder: Path, log: Path, point: Point | None) -> Served:
        if point is None:
            return self.learn(folder, log)
        with Server(self.binary, folder) as server:
            with Attached(server.process.pid, self.paths(folder), log, point):
                status, errors = self.operate(server)
                if point.fault == injection.KILL and server.process.poll() is None:
                    # What follows the answer may be what is killed.
                    time.sleep(0.1)
            killed = server.process.poll() == -signal.SIGKILL
            outcome = Served(status, errors, killed or "(INJECTED" in log.read_text(errors="replace"), killed)
            if not killed:
                outcome.problems = self.problems_alive(server, point, outcome)
            return outcome

    def learn(self, folder: Path, log: Path) -> Served:
        """A run without a fault, and the states that it saves on its way."""
        before = read_state(folder)
        with self.traced(folder, sorted({*self.paths(folder), *state_paths(folder)}), log) as server:
            status, errors = self.operate(server)
            time.sleep(SAVED_SECONDS)
        self.states = [before, *saved_states(log)]
        return Served(status, errors, injected=False)

    @contextlib.contextmanager
    def traced(self, folder: Path, paths: list[Path], log: Path) -> Iterator[Server]:
        with Server(self.binary, folder) as server, Attached(server.process.pid, paths, log):
            yield server

    def counts(self, log: Path) -> Counter[str]:
        """Of the first time that the state is saved: which threads do what follows is not the same in each run."""
        lines = log.read_text(errors="replace").splitlines()
        saves = [number for number, line in enumerate(lines) if " mkdir(" in line]
        return injection.counts(lines[: saves[1]] if len(saves) > 1 else lines)

    def operate(self, server: Server) -> tuple[int, str]:
        done = server.ask(*self.words(server, self.asked))
        return done.returncode, done.stderr

    def problems_alive(self, server: Server, point: Point, outcome: Served) -> list[str]:
        """What does not hold of the server that went on after an error, and of what it leaves when it stops."""
        if server.process.poll() is not None:
            return [f"the server ended with {server.process.returncode}: {server.log.read_text()}"]
        problems = [] if lies(point) else self.left_problems(server.folder, is_told=False)
        if outcome.status != 0:
            problems += self.message_problems(point, outcome)
            problems += self.refusal_problems(server.folder, point, outcome)
        problems += self.problems_after(server)
        if (status := server.stop()) != 0:
            problems.append(f"the server stops with {status}: {server.log.read_text()}")
        return problems

    def check(self, folder: Path, point: Point, outcome: Outcome) -> list[str]:
        assert isinstance(outcome, Served)
        problems = outcome.problems
        if outcome.killed and point.fault != injection.KILL:
            problems.append("the server was killed")
        if lies(point):
            return problems + self.lie_problems(folder)
        return problems + self.left_problems(folder, outcome.status == 0) + self.restart_problems(folder, is_copy=False)

    def record(self, folder: Path, log: Path) -> Recording:
        """From the server's start on."""
        self.states = [read_state(folder)]
        start = Disk.of(self.disk(folder))
        with traced_from_start(self.binary, folder, [], log) as server:
            done = server.ask(*self.words(server, self.answered or self.asked))
            told = log.stat().st_size
            assert done.returncode == 0, done.stderr
            if self.answered:
                server.ask("rollout", "watch", "tiny")
            time.sleep(SAVED_SECONDS)
        self.states += saved_states(log)
        return record(start, self.disk(folder), log, told)

    def disk(self, folder: Path) -> Path:
        return folder / "models"

    def left_problems(self, folder: Path, is_told: bool) -> list[str]:
        state = read_state(folder)
        if state not in self.states:
            return [f"a state that never was: {state}"]
        if is_told and state not in self.states[self.promised :]:
            return [f"it said that it was done, and the state is from before: {state}"]
        return []

    def restart_problems(self, folder: Path, is_copy: bool) -> list[str]:
        problems: list[str] = []
        with Server(self.binary, folder) as server:
            problems += [f"started again: {problem}" for problem in self.problems_after(server, is_copy)]
            if (status := server.stop()) != 0:
                problems.append(f"started again: it stops with {status}: {server.log.read_text()}")
        return problems

    def problems_after(self, server: Server, is_copy: bool = False) -> list[str]:
        """The calls are answered as ever; the operation can be asked again, and its end is what it always is."""
        problems: list[str] = []
        answer = server.answer("tiny")
        if answer not in self.answers:
            problems.append(f"a call by name: {answer}")
        again = self.again(server)
        if again.returncode != 0:
            problems.append(f"the operation again: {again.returncode} {again.stderr.strip()}")
        if (answer := server.answer("tiny")) != self.answers[self.answering - 1]:
            problems.append(f"a call by name after the operation again: {answer}")
        for version in self.ready:
            if (answer := server.answer(f"tiny@{version}")) != self.answers[version - 1]:
                problems.append(f"a call to version {version} after the operation again: {answer}")
        deadline = time.monotonic() + SAVED_SECONDS
        # What failed as other files is tried again.
        settled = without_quarantine if is_copy else dict
        end = settled(self.states[-1])
        while settled(state := read_state(server.folder)) != end and time.monotonic() < deadline:
            if "torn" in state:
                return problems
            time.sleep(0.01)
        if settled(state) != end:
            problems.append(f"the state after the operation again: {state}")
        return problems

    def again(self, server: Server) -> subprocess.CompletedProcess[str]:
        return server.ask(*self.words(server, self.asked))

    def refusal_problems(self, folder: Path, point: Point, outcome: Outcome) -> list[str]:
        """What was refused is not done."""
        if "nothing was changed" not in outcome.errors:
            return []
        state = read_state(folder)
        return [] if state == self.states[0] else [f"it said that nothing was changed, and the state is {state}"]

    def lie_problems(self, folder: Path) -> list[str]:
        """The digest in the file tells at the next start, which then is refused in words."""
        if "torn" not in read_state(folder):
            return ["the state file is whole although a write lied"]
        try:
            with Server(self.binary, folder):
                return ["the server started with a torn state file"]
        except NotStarted as error:
            return [] if "torn or edited" in str(error) else [str(error)]

    def message_problems(self, point: Point, outcome: Outcome) -> list[str]:
        """A refusal is one message about the state file or its folder that says what the system said."""
        lines = outcome.errors.strip().splitlines()
        if len(lines) != 1 or not lines[0].startswith("martlet: "):
            return [f"its message is no message: {outcome.errors!r}"]
        problems = []
        if "state file" not in lines[0] and "the folder" not in lines[0]:
            problems.append(f"its message names no file: {lines[0]}")
        name = point.fault.removeprefix("error=")
        # A call that asks what is there may be told that nothing, or something, is; the message then says that.
        if point.fault.startswith("error=") and point.call != "flock" and name not in ("ENOENT", "EEXIST"):
            if os.strerror(getattr(errno, name)) not in lines[0]:
                problems.append(f"its message does not say '{os.strerror(getattr(errno, name))}': {lines[0]}")
        return problems


class Load(Operation):
    """`martlet models load tiny@2` beside version 1, the first thing that is saved: the state file's calls."""

    asked = ["models", "load", "tiny@2"]
    answering = 1
    ready = [1, 2]


class LoadFiles(Load):
    """The same: the calls at the version's files."""

    # What it writes is what `Load` writes.
    kinds = {"kill", "error"}

    def paths(self, folder: Path) -> list[Path]:
        version = folder / "models" / "tiny" / "2"
        return [version, *sorted(version.iterdir())]

    def counts(self, log: Path) -> Counter[str]:
        """Of the thread that loads; another looks at the folder as often as it happens to."""
        lines = log.read_text(errors="replace").splitlines()
        loads = {line.split()[0] for line in lines if " pread64(" in line}
        return injection.counts([line for line in lines if line.split()[0] in loads])

    def again(self, server: Server) -> subprocess.CompletedProcess[str]:
        # What could not be read is in quarantine until the files change or the owner lets it be tried again.
        server.ask("models", "clear", "tiny@2")
        return super().again(server)

    def left_problems(self, folder: Path, is_told: bool) -> list[str]:
        state = without_quarantine(read_state(folder))
        return [] if state in self.states else [f"a state that never was: {state}"]

    def message_problems(self, point: Point, outcome: Outcome) -> list[str]:
        lines = outcome.errors.strip().splitlines()
        if len(lines) != 1 or not lines[0].startswith("martlet: "):
            return [f"its message is no message: {outcome.errors!r}"]
        return [] if "version" in lines[0] else [f"its message names no version: {lines[0]}"]


class Route(Operation):
    """`martlet models route tiny 2`, which had led to version 1."""

    before = [["models", "load", "tiny@2"]]
    asked = ["models", "route", "tiny", "2"]
    answering = 2
    ready = [2]


class Unload(Operation):
    """`martlet models unload tiny@1` while the route leads to version 2."""

    before = [["models", "load", "tiny@2"], ["models", "route", "tiny", "2"], ["models", "load", "tiny@1"]]
    asked = ["models", "unload", "tiny@1"]
    answering = 2
    ready = [2]


class Apply(Operation):
    """`martlet rollout apply --watch`: version 2 is loaded and gets all calls."""

    asked = ["rollout", "apply", "FILE", "--watch"]
    answered = asked[:-1]
    answering = 2
    ready = [1, 2]

    def again(self, server: Server) -> subprocess.CompletedProcess[str]:
        # One that the server knows of goes on by itself.
        begun = json.loads(server.ask("rollout", "status", "--json").stdout)
        return server.ask("rollout", "watch", "tiny") if begun else super().again(server)


class Continue(Operation):
    """A start of `martlet serve` in the middle of a rollout, which goes on by itself."""

    kinds = {"kill", "power"}
    asked = ["rollout", "watch", "tiny"]
    promised = 0
    answering = 2
    ready = [1, 2]

    def __init__(self, binary: str, scratch: Path) -> None:
        super().__init__(binary, scratch)
        self.asked = Apply.asked
        done = self.learn(self.begun, scratch / "trace")
        self.asked = Continue.asked
        assert done.status == 0, done.errors
        # The first that the rollout saved: version 2 is to be loaded.
        write_state(self.begun, self.states[1])

    def counts(self, log: Path) -> Counter[str]:
        """Of all threads: what a rollout does by itself is done by one of them, and the start by another."""
        return injection.counts(
            ["1 " + line.split(maxsplit=1)[1] for line in log.read_text(errors="replace").splitlines()])

    def run(self, folder: Path, log: Path, point: Point | None) -> Served:
        if point is None:
            return self.learn(folder, log)
        try:
            with self.traced(folder, self.paths(folder), log, point) as server:
                status, errors = self.operate(server)
                if server.process.poll() is None:
                    time.sleep(0.1)
                killed = server.process.poll() == -signal.SIGKILL
                return Served(status, errors, killed, killed)
        except NotStarted as error:
            return Served(1, str(error), "-9" in str(error), "-9" in str(error))

    @contextlib.contextmanager
    def traced(self, folder: Path, paths: list[Path], log: Path, point: Point | None = None) -> Iterator[Server]:
        with traced_from_start(self.binary, folder, paths, log, point) as server:
            yield server


class Rollback(Operation):
    """`martlet rollout rollback` after a rollout."""

    before = [Apply.asked]
    asked = ["rollout", "rollback", "tiny"]
    answering = 1
    ready = [1]


def lies(point: Point) -> bool:
    """Whether a write is said to have done what it did not: nothing that a program can see."""
    return point.call == "write" and point.fault == "retval=1"


def write_state(folder: Path, state: State) -> None:
    body = json.dumps(state).encode()
    header = f"martlet-state sha256:{hashlib.sha256(body).hexdigest()}\n"
    (folder / "models" / ".martlet" / "rollouts.state").write_bytes(header.encode() + body)


def state_paths(folder: Path) -> list[Path]:
    state = folder / "models" / ".martlet"
    return [state, state / "rollouts.state", state / ".rollouts.state.new"]


def saved_states(log: Path) -> list[State]:
    """Every state that was written, of strace's log: the file itself shows one that lasts only to who looks in time."""
    written = [(decoded(path), data) for path, data in WRITTEN.findall(log.read_text())]
    return [
        parsed(bytes.fromhex(data.replace("\\x", ""))) for path, data in written if path.endswith(".rollouts.state.new")
    ]


def read_state(folder: Path) -> State:
    """What the state file holds; empty without one."""
    try:
        return parsed((folder / "models" / ".martlet" / "rollouts.state").read_bytes())
    except FileNotFoundError:
        return {}


def without_quarantine(state: State) -> State:
    models = {name: {**model, "quarantine": {}} for name, model in state.get("models", {}).items()}
    return {**state, "models": models} if models else state


def parsed(written: bytes) -> State:
    """A fingerprint is of the files' times too, and is left out."""
    header, _, body = written.partition(b"\n")
    digest = hashlib.sha256(body).hexdigest()
    if header.decode(errors="replace") != f"martlet-state sha256:{digest}":
        return {"torn": written.decode(errors="replace")}
    state: State = json.loads(body)
    for model in state["models"].values():
        for entry in model["quarantine"].values():
            entry["fingerprint"] = ""
    return state
