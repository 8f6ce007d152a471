"""What a traced run did to the disk, in order, out of strace's log of a run without a fault (`injection.filters`).

The log names the path of each descriptor. The position of a descriptor, for calls that do not say where they write, is
followed from its opening, in one table: what is traced may have threads, but no child that writes to the folder too. A
call that may change the folder in a way that this does not know is an error, and so is one that does not fit to what
was seen before, or an end that is not what is there.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from disk import WHOLE, Change, Disk, Force, Name, Operation, Permit, Rename, Resize, Unname, Write

LINE = re.compile(r"^(\d+) +(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?")
UNFINISHED = " <unfinished ...>"
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
DESCRIPTOR = re.compile(r"^(\w+)<([^>]*)>(\(deleted\))?$")
STRING = re.compile(r'^"((?:\\x[0-9a-f]{2})*)"$')

# Change nothing, or nothing but times and locks. Whatever is neither here nor in `Recorder.changes` is refused.
HARMLESS = frozenset(
    "access chdir epoll_ctl execve faccessat faccessat2 fadvise64 fgetxattr flistxattr flock fstat fstatfs futimesat "
    "getcwd getdents64 getxattr inotify_add_watch lgetxattr listxattr llistxattr lstat newfstatat pread64 preadv "
    "readahead readlink readlinkat stat statfs statx utimensat".split()
)
# One that did not return promises nothing.
FORCES = frozenset({"fsync", "fdatasync", "syncfs"})


class Unknown(Exception):
    """The log says something that the model does not."""


@dataclass
class Description:
    """An open file, as one or more descriptors name it."""

    node: int
    appends: bool
    position: int = 0


@dataclass
class Recording:
    # The folder before the run, with the files and folders that the run makes, empty and without a name.
    start: Disk
    operations: list[Operation]
    # Number of operations after which whoever asked was told that it was done.
    told: int


def record(start: Disk, root: Path, log: Path, told: int | None = None, before: Path | None = None) -> Recording:
    """Of the folder `root`, which was `start` before, and has not changed since.

    `told`: bytes of the log that were there when the success was told; None: at the end, by an exit.
    `before`: the log of a run before this one, of another process.
    """
    text = log.read_text()
    # A line that had begun may be of a call that was before it: taken for before, less is demanded.
    end = len(text) if told is None else text.find("\n", max(0, told - 1)) + 1 or len(text)
    recorder = Recorder(start, root)
    if before is not None:
        recorder.read(before.read_text().splitlines())
        recorder.open.clear()
    recorder.read(text[:end].splitlines())
    count = len(recorder.operations)
    recorder.read(text[end:].splitlines())
    if recorder.now.digest() != Disk.of(root).digest():
        raise Unknown("what the log says was done does not lead to what is there")
    return Recording(recorder.start, recorder.operations, count)


class Recorder:
    def __init__(self, start: Disk, root: Path) -> None:
        self.root = str(root)
        # How strace writes the folder's path.
        self.sign = "".join(f"\\x{byte:02x}" for byte in os.fsencode(root))
        self.start = start.copy()
        self.now = start.copy()
        self.operations: list[Operation] = []
        self.open: dict[str, Description] = {}
        # By thread: the begin of a call that was going on when another thread's was written, and how many operations
        # there were.
        self.unfinished: dict[str, tuple[str, int]] = {}
        self.umask = int(Path("/proc/self/status").read_text().partition("Umask:")[2].split()[0], 8)
        self.changes: dict[str, Callable[[list[str], str, str, int], None]] = {
            "open": lambda words, *rest: self.opened(["AT_FDCWD", *words], *rest),
            "openat": self.opened,
            "creat": lambda words, *rest: self.opened(
                ["AT_FDCWD", words[0], "O_CREAT|O_WRONLY|O_TRUNC", words[1]], *rest),
            "write": self.written,
            "pwrite64": self.written,
            "read": self.moved,
            "lseek": self.sought,
            "close": lambda words, *_: self.forget(words[0]),
            "dup": self.duplicated,
            "dup2": self.duplicated,
            "dup3": self.duplicated,
            "fcntl": self.controlled,
            "ioctl": self.asked,
            "mmap": self.mapped,
            "ftruncate": lambda words, *_: self.resize(self.node(words[0]), words),
            "truncate": lambda words, *_: self.resize(self.named("AT_FDCWD", words[0]), words),
            "mkdir": lambda words, *_: self.made("AT_FDCWD", *words),
            "mkdirat": lambda words, *_: self.made(*words),
            "rename": lambda words, *_: self.renamed("AT_FDCWD", words[0], "AT_FDCWD", words[1]),
            "renameat": lambda words, *_: self.renamed(*words),
            "renameat2": lambda words, *_: self.renamed(*words),
            "link": lambda words, *_: self.linked("AT_FDCWD", words[0], "AT_FDCWD", words[1]),
            "linkat": lambda words, *_: self.linked(*words),
            "unlink": lambda words, *_: self.unnamed("AT_FDCWD", words[0]),
            "unlinkat": lambda words, *_: self.unnamed(*words),
            "rmdir": lambda words, *_: self.unnamed("AT_FDCWD", words[0]),
            "fchmod": lambda words, *_: self.permit(self.node(words[0]), words),
            "chmod": lambda words, *_: self.permit(self.named("AT_FDCWD", words[0]), words),
            "fchmodat": lambda words, *_: self.permit(self.named(words[0], words[1]), words[1:]),
            "fsync": self.forced,
            "fdatasync": self.forced,
            "syncfs": self.forced_all,
        }

    def read(self, lines: list[str]) -> None:
        for line in lines:
            if match := LINE.match(line):
                self.take(match[1], match[2])

    def take(self, thread: str, text: str) -> None:
        begun = len(self.operations)
        if text.endswith(UNFINISHED):
            self.unfinished[thread] = text.removesuffix(UNFINISHED), begun
            return
        if resumed := RESUMED.match(text):
            before, begun = self.unfinished.pop(thread, ("", begun))
            text = before + resumed[1]
        name = text.partition("(")[0]
        match = CALL.match(text)
        if name in HARMLESS or (match and int(match[3]) < 0):
            return
        if match and name in self.changes:
            self.changes[name](match[2].split(", "), match[3], match[4] or "", begun)
        elif self.sign in text and name not in FORCES:
            # Not known, or it did not return and may have been done or not.
            raise Unknown(f"it is not known here what this does to the disk: {readable(text)}")

    # MARK: Paths and descriptors

    def parts(self, folder: str, name: str) -> tuple[str, ...] | None:
        """Of a path that a call names, below the root; None when it is not there."""
        match = STRING.match(name)
        if match is None:
            raise Unknown(f"no whole name: {readable(name)}")
        path = decoded(match[1])
        if not os.path.isabs(path):
            at = DESCRIPTOR.match(folder)
            if at is None:
                raise Unknown(f"it is not known where {path} is; trace calls with absolute paths")
            path = os.path.join(decoded(at[2]), path)
        return self.below(path)

    def below(self, path: str) -> tuple[str, ...] | None:
        relative = os.path.relpath(path, self.root)
        if relative == "..":
            return None
        parts = Path(relative).parts
        return None if parts and parts[0] == ".." else parts

    def named(self, folder: str, name: str) -> int | None:
        parts = self.parts(folder, name)
        return None if parts is None else self.found(parts)

    def found(self, parts: tuple[str, ...]) -> int:
        node = self.now.find(parts)
        if node is None:
            raise Unknown(f"{'/'.join(parts)} is used, and nothing was seen that made it")
        return node

    def place(self, parts: tuple[str, ...]) -> tuple[int, str]:
        """The folder of a name, and the name in it."""
        if not parts:
            raise Unknown("the folder itself is made, renamed or removed")
        return self.found(parts[:-1]), parts[-1]

    def node(self, descriptor: str) -> int | None:
        """What an open descriptor is of, below the root; None when it is not there."""
        match = DESCRIPTOR.match(descriptor)
        if match is None:
            return None
        path = decoded(match[2])
        known = self.open.get(match[1])
        is_deleted = match[3] is not None or path.endswith(" (deleted)")
        parts = self.below(path)
        if known is not None:
            if not is_deleted and (parts is None or self.now.find(parts) != known.node):
                raise Unknown(f"descriptor {match[1]} is now of {path}, and nothing was seen that opened it")
            return known.node
        if parts is None:
            return None
        if is_deleted:
            raise Unknown(f"descriptor {match[1]} is of {path}, and nothing was seen that opened it")
        return self.found(parts)

    def forget(self, descriptor: str) -> None:
        self.open.pop(descriptor.partition("<")[0], None)

    def do(self, change: Change) -> None:
        change.apply(self.now, WHOLE)
        self.operations.append(change)

    def add(self, mode: int, is_folder: bool) -> int:
        self.start.add(mode & ~self.umask, is_folder)
        return self.now.add(mode & ~self.umask, is_folder)

    # MARK: Calls; each with its words, its result, that one's path, and the number of operations when it began

    def opened(self, words: list[str], result: str, path: str, _: int) -> None:
        self.open.pop(result, None)
        parts = self.below(decoded(path))
        flags = words[2].split("|")
        if parts is None:
            return
        if refused := {"O_SYNC", "O_DSYNC", "O_TMPFILE"} & set(flags):
            raise Unknown(f"a file is opened with {sorted(refused)}, which is not known here")
        node = self.now.find(parts)
        if node is None:
            if "O_CREAT" not in flags:
                raise Unknown(f"{'/'.join(parts)} is opened, and nothing was seen that made it")
            folder, name = self.place(parts)
            node = self.add(int(words[3], 8), is_folder=False)
            self.do(Name(f"create {'/'.join(parts)}", folder, name, node))
        elif "O_TRUNC" in flags and self.now.files.get(node):
            self.do(Resize(f"open {'/'.join(parts)} and cut it", node, 0))
        self.open[result] = Description(node, "O_APPEND" in flags)

    def written(self, words: list[str], result: str, _: str, __: int) -> None:
        node = self.node(words[0])
        if node is None:
            return
        match = STRING.match(words[1])
        if match is None:
            raise Unknown(f"a write whose bytes are not in the log: {readable(words[0])}")
        data = bytes.fromhex(match[1].replace("\\x", ""))[: int(result)]
        known = self.open.get(words[0].partition("<")[0])
        if len(words) == 4:
            offset = int(words[3])
        elif known is None:
            raise Unknown(f"a write to what was opened before the log begins: {readable(words[0])}")
        else:
            offset = len(self.now.files[node]) if known.appends else known.position
            known.position = offset + len(data)
        if data:
            self.do(Write(f"write {len(data)} bytes at {offset} of {self.label(words[0])}", node, offset, data))

    def moved(self, words: list[str], result: str, _: str, __: int) -> None:
        if known := self.open.get(words[0].partition("<")[0]):
            known.position += int(result)

    def sought(self, words: list[str], result: str, _: str, __: int) -> None:
        if known := self.open.get(words[0].partition("<")[0]):
            known.position = int(result)

    def duplicated(self, words: list[str], result: str, _: str, __: int) -> None:
        self.open.pop(result, None)
        if known := self.open.get(words[0].partition("<")[0]):
            self.open[result] = known

    def controlled(self, words: list[str], result: str, path: str, begun: int) -> None:
        if words[1].startswith("F_DUPFD"):
            self.duplicated(words, result, path, begun)

    def asked(self, words: list[str], _: str, __: str, ___: int) -> None:
        if self.node(words[0]) is not None and words[1] != "TCGETS":
            raise Unknown(f"ioctl {words[1]} may change the disk")

    def mapped(self, words: list[str], *_: object) -> None:
        if "MAP_SHARED" in words[3] and "PROT_WRITE" in words[2] and self.node(words[4]) is not None:
            raise Unknown("a file is written through memory")

    def resize(self, node: int | None, words: list[str]) -> None:
        if node is not None:
            self.do(Resize(f"cut {self.label(words[0])} to {words[1]} bytes", node, int(words[1])))

    def permit(self, node: int | None, words: list[str]) -> None:
        if node is not None:
            self.do(Permit(f"chmod {self.label(words[0])} to {words[1]}", node, int(words[1], 8)))

    def made(self, folder: str, name: str, mode: str) -> None:
        parts = self.parts(folder, name)
        if parts is not None:
            place = self.place(parts)
            self.do(Name(f"mkdir {'/'.join(parts)}", *place, self.add(int(mode, 8), is_folder=True)))

    def renamed(self, folder: str, name: str, to_folder: str, to_name: str, flags: str = "0") -> None:
        old, new = self.pair(folder, name, to_folder, to_name)
        if flags not in ("0", "RENAME_NOREPLACE"):
            raise Unknown(f"a rename with {flags}")
        if old is not None and new is not None:
            text = f"rename {'/'.join(old)} to {'/'.join(new)}"
            self.do(Rename(text, *self.place(old), *self.place(new), self.found(old)))

    def linked(self, folder: str, name: str, to_folder: str, to_name: str, flags: str = "0") -> None:
        old, new = self.pair(folder, name, to_folder, to_name)
        if flags not in ("0", "AT_SYMLINK_FOLLOW"):
            raise Unknown(f"a link with {flags}")
        if old is not None and new is not None:
            self.do(Name(f"link {'/'.join(old)} to {'/'.join(new)}", *self.place(new), self.found(old)))

    def pair(
        self, folder: str, name: str, to_folder: str, to_name: str
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        old, new = self.parts(folder, name), self.parts(to_folder, to_name)
        if (old is None) != (new is None):
            raise Unknown("something comes into the folder, or leaves it")
        return old, new

    def unnamed(self, folder: str, name: str, _: str = "0") -> None:
        parts = self.parts(folder, name)
        if parts is not None:
            self.do(Unname(f"remove {'/'.join(parts)}", *self.place(parts)))

    def forced(self, words: list[str], _: str, __: str, begun: int) -> None:
        node = self.node(words[0])
        if node is not None:
            self.operations.append(Force(f"force {self.label(words[0])}", node, begun))

    def forced_all(self, words: list[str], _: str, __: str, begun: int) -> None:
        if self.node(words[0]) is not None:
            self.operations.append(Force("force everything", None, begun))

    def label(self, word: str) -> str:
        """The path in a call's word, from the root on."""
        digits = word.partition("<")[2].partition(">")[0] or word.strip('"')
        return os.path.relpath(decoded(digits), self.root)


def decoded(digits: str) -> str:
    return os.fsdecode(bytes.fromhex(digits.replace("\\x", "")))


def readable(text: str) -> str:
    """A line of the log as one reads it, not too long."""
    return re.sub(r"(?:\\x[0-9a-f]{2})+", lambda match: decoded(match[0]), text)[:400]
