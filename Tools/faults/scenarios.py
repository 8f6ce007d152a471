"""What is run under faults: a scenario prepares a folder, gives a command, and says afterwards what must hold.

To add one: a class with the functions of `Scenario`, and a line in `SCENARIOS`.
"""

import errno
import filecmp
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Protocol

import injection
import served
import tiny
from disk import Disk
from injection import Outcome, Point
from recording import Recording, record


class Scenario(Protocol):
    # Whether a run takes so long that a sample has few of them.
    slow: bool
    # Whether strace is attached to a process that runs, which some machines allow to nobody but root.
    attaches: bool
    # What is tried, of `kill`, `error` and `power`.
    kinds: set[str]
    # Calls at which no error is tried.
    spared: frozenset[str]
    # On how many of the states that a loss of power may leave the program is started again; all are looked at.
    restarts: int

    def __init__(self, binary: str, scratch: Path) -> None:
        """Makes once what every run needs, inside `scratch`; what scenarios share goes beside it."""

    def prepare(self, folder: Path) -> None:
        """Fills an empty folder with what one run starts from."""

    def run(self, folder: Path, log: Path, point: Point | None) -> Outcome:
        """One run with a fault at `point`, or without one: that comes before all others. strace writes to `log`."""

    def counts(self, log: Path) -> Counter[str]:
        """Which calls, and how many of each, the run without a fault made that are points; the same in each run."""

    def check(self, folder: Path, point: Point, outcome: Outcome) -> list[str]:
        """What does not hold after the run, in words; nothing when all is well."""

    def record(self, folder: Path, log: Path) -> Recording:
        """One run without a fault: what it does to the disk."""

    def disk(self, folder: Path) -> Path:
        """The part of `folder` that is recorded."""

    def left_problems(self, folder: Path, is_told: bool) -> list[str]:
        """What does not hold of what lies in `folder` after an end at any moment; `is_told`: after the success was
        told."""

    def restart_problems(self, folder: Path, is_copy: bool) -> list[str]:
        """The same of what the program makes of it, which may change it; `is_copy`: the files are others, with the same
        bytes, than those that were written."""


class Publish:
    """`martlet publish` of version 2 beside a version 1 that must never change."""

    slow = False
    attaches = False
    kinds = {"kill", "error", "power"}
    spared: frozenset[str] = frozenset()
    restarts = 600

    def __init__(self, binary: str, scratch: Path) -> None:
        self.binary = binary
        self.build = tiny.versions(binary, scratch.parent)
        self.new = self.build / "tiny" / "2"
        manifest = json.loads(self.martlet("inspect", str(self.new), "--json").stdout)
        self.staging = f".staging-tiny-2-{manifest['digest'][:16]}"

    def martlet(self, *words: str) -> subprocess.CompletedProcess[str]:
        return tiny.martlet(self.binary, *words)

    def prepare(self, folder: Path) -> None:
        shutil.copytree(self.build / "tiny" / "1", self.models(folder) / "tiny" / "1")

    def models(self, folder: Path) -> Path:
        return folder / "models"

    def run(self, folder: Path, log: Path, point: Point | None) -> Outcome:
        return injection.run(self.command(folder), self.paths(folder), log, point)

    def counts(self, log: Path) -> Counter[str]:
        return injection.counts(log.read_text(errors="replace").splitlines())

    def command(self, folder: Path) -> list[str]:
        return [self.binary, "publish", str(self.new), "--models", str(self.models(folder))]

    def paths(self, folder: Path) -> list[Path]:
        """The files and folders whose calls count."""
        model = self.models(folder) / "tiny"
        folders = [self.new, self.models(folder).parent, self.models(folder), model, model / "1", model / "2"]
        folders.append(model / self.staging)
        names = sorted(path.name for path in self.new.iterdir()) + ["model.sig"]
        return folders + [folder / name for folder in (self.new, model / self.staging, model / "2") for name in names]

    def check(self, folder: Path, point: Point, outcome: Outcome) -> list[str]:
        problems: list[str] = []
        if outcome.crashed and "SIGKILL" not in point.fault:
            problems.append(f"it crashed with status {outcome.status}: {outcome.errors}")
        if outcome.status != 0 and not outcome.crashed:
            problems += message_problems(point, outcome)
        return problems + self.left_problems(folder, outcome.status == 0) + self.restart_problems(folder, is_copy=False)

    def record(self, folder: Path, log: Path) -> Recording:
        start = Disk.of(self.disk(folder))
        outcome = injection.run(self.command(folder), [], log)
        assert outcome.status == 0, outcome.errors
        return record(start, self.disk(folder), log)

    def disk(self, folder: Path) -> Path:
        return self.models(folder)

    def left_problems(self, folder: Path, is_told: bool) -> list[str]:
        model = self.models(folder) / "tiny"
        problems = self.state_problems(model)
        if is_told and not (model / "2").is_dir():
            problems.append("it said that it published, and the version is not there")
        return problems

    def restart_problems(self, folder: Path, is_copy: bool) -> list[str]:
        problems: list[str] = []
        model = self.models(folder) / "tiny"
        if (model / "2").is_dir():
            verified = self.martlet("verify", str(model / "2"))
            if verified.returncode != 0:
                problems.append(f"verify: {verified.stderr}")
        again = subprocess.run(self.command(folder), capture_output=True, text=True, timeout=60)
        if again.returncode != 0:
            problems.append(f"a second publish: {again.returncode} {again.stderr}")
        problems += [f"after a second publish: {problem}" for problem in self.state_problems(model, whole=True)]
        return problems

    def state_problems(self, model: Path, whole: bool = False) -> list[str]:
        """The old version as it was; the new one whole or not there; hidden folders only until a publish succeeded."""
        problems = [] if self.is_old_kept(model) else ["version 1 is not what it was"]
        names = set(os.listdir(model)) - {"1"} if model.is_dir() else set()
        if "2" in names and not same(model / "2", self.new):
            problems.append(f"version 2 is a mixture: {sorted(os.listdir(model / '2'))}")
        if whole and names != {"2"}:
            problems.append(f"there is {sorted(names)}, expected version 2 alone")
        if strangers := {name for name in names if name != "2" and not name.startswith(".staging-")}:
            problems.append(f"there is {sorted(strangers)}")
        return problems

    def is_old_kept(self, model: Path) -> bool:
        return same(model / "1", self.build / "tiny" / "1")


class PublishAgain(Publish):
    """The same where an earlier publish broke off: a part of one file, another whole and wrong, and a stranger."""

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        staging = folder / "models" / "tiny" / self.staging
        staging.mkdir()
        shutil.copy(self.new / "manifest.json", staging)
        shutil.copy(self.new / "golden.json", staging)
        weights = (self.new / "weights.martlet").read_bytes()
        (staging / "weights.martlet").write_bytes(weights[: len(weights) // 2])
        (staging / "tokenizer.json").write_bytes(bytes((self.new / "tokenizer.json").stat().st_size))
        (staging / "stranger").write_bytes(b"x")


class PublishFirst(Publish):
    """`martlet publish` where there is no models folder yet."""

    kinds = {"kill", "power"}

    def prepare(self, folder: Path) -> None:
        self.disk(folder).mkdir(parents=True)

    def models(self, folder: Path) -> Path:
        return self.disk(folder) / "models"

    def disk(self, folder: Path) -> Path:
        return folder / "empty"

    def is_old_kept(self, model: Path) -> bool:
        return not (model / "1").exists()


class PublishKilled(Publish):
    """`martlet publish`, killed after the rename and run again before the power goes.

    What the killed one did need not be on the disk yet where the second finds it.
    """

    kinds = {"power"}
    restarts = 50
    # Of the model's folder.
    killed_at = 8

    def record(self, folder: Path, log: Path) -> Recording:
        start = Disk.of(self.disk(folder))
        before = log.with_name("trace-before")
        killed = Point("fsync", self.killed_at, injection.KILL)
        outcome = injection.run(self.command(folder), [], before, killed, is_recorded=True)
        assert outcome.crashed and self.is_killed_there(self.models(folder)), f"{killed}: {outcome}"
        outcome = injection.run(self.command(folder), [], log)
        assert outcome.status == 0, outcome.errors
        return record(start, self.disk(folder), log, before=before)

    def is_killed_there(self, models: Path) -> bool:
        return (models / "tiny" / "2").is_dir()


class PublishFirstKilled(PublishKilled, PublishFirst):
    """The same where there was no models folder, killed once that was made."""

    # Of the folder that it lies in.
    killed_at = 1

    def is_killed_there(self, models: Path) -> bool:
        return models.is_dir() and not os.listdir(models)


class PublishModelKilled(PublishKilled, PublishFirst):
    """The same, killed once the model's folder was made."""

    # Of the models folder.
    killed_at = 2

    def is_killed_there(self, models: Path) -> bool:
        return os.listdir(models) == ["tiny"] and not os.listdir(models / "tiny")


class ServePublish(served.Operation):
    """`martlet publish` of version 2 to a server that has version 1."""

    kinds = {"power"}
    asked = ["publish", "NEW"]
    # It is no part of the server's state.
    promised = 0
    answering = 1
    ready = [1]

    def __init__(self, binary: str, scratch: Path) -> None:
        super().__init__(binary, scratch)
        self.publish = Publish(binary, scratch)
        shutil.rmtree(self.publish.models(self.begun) / "tiny" / "2")

    def words(self, server: served.Server, words: list[str]) -> list[str]:
        return [str(self.publish.new) if word == "NEW" else word for word in words]

    def left_problems(self, folder: Path, is_told: bool) -> list[str]:
        return super().left_problems(folder, is_told) + self.publish.left_problems(folder, is_told)

    def restart_problems(self, folder: Path, is_copy: bool) -> list[str]:
        problems = super().restart_problems(folder, is_copy)
        return problems + self.publish.state_problems(self.publish.models(folder) / "tiny", whole=True)


def same(left: Path, right: Path) -> bool:
    """Whether two folders hold the same files with the same bytes."""
    names = sorted(os.listdir(right))
    if not left.is_dir() or sorted(os.listdir(left)) != names:
        return False
    return not any(filecmp.cmpfiles(left, right, names, shallow=False)[1:])


def message_problems(point: Point, outcome: Outcome) -> list[str]:
    """A failure is one message that begins with what was the matter: a file, a folder or the version."""
    lines = outcome.errors.strip().splitlines()
    if len(lines) != 1 or not lines[0].startswith("martlet: "):
        return [f"its message is no message: {outcome.errors!r}"]
    message = lines[0]
    if not any(word in message for word in (".json", ".martlet", "folder", "version", "tiny/2")):
        return [f"its message names no file: {message}"]
    name = point.fault.removeprefix("error=")
    # A call that asks what is there may be told that nothing is; the message then says that.
    asks = point.call in ("newfstatat", "fstatfs", "flock") or name in ("EEXIST", "ENOENT")
    if point.fault.startswith("error=") and not asks and os.strerror(getattr(errno, name)) not in message:
        return [f"its message does not say '{os.strerror(getattr(errno, name))}': {message}"]
    return []


SCENARIOS: dict[str, type[Scenario]] = {
    "publish": Publish,
    "publish-again": PublishAgain,
    "publish-first": PublishFirst,
    "publish-killed": PublishKilled,
    "publish-first-killed": PublishFirstKilled,
    "publish-model-killed": PublishModelKilled,
    "serve-publish": ServePublish,
    "serve-load": served.Load,
    "serve-load-files": served.LoadFiles,
    "serve-route": served.Route,
    "serve-unload": served.Unload,
    "serve-apply": served.Apply,
    "serve-continue": served.Continue,
    "serve-rollback": served.Rollback,
}
