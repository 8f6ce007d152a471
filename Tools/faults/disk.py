"""A folder on a disk, and the operations that change it: what of them a loss of power may leave.

The model is the weakest file system that still keeps what fsync(2) and POSIX promise, as ALICE's abstract persistence
model is (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014):

- fsync of a file promises its bytes and its size, not its name: "Calling fsync() does not necessarily ensure that the
  entry in the directory containing the file has also reached disk" (fsync(2)).
- fsync of a folder promises the names in it, not the bytes of the files, nor its own name in its parent.
- What was not forced may be there or not, each operation for itself, in any order, of one folder or of several. A write
  may also leave zeros where the file grew, or break off, or begin, at a multiple of 512 bytes.
- One rename is one step: both names change or neither. Across two folders it is promised once both were forced.

Weaker than ext4, XFS and Btrfs, which keep more order than that: what holds here holds there. Left out: bytes that no
one wrote in blocks that were never written, sectors of one write in more than two parts, a disk that loses what it said
it had, a damaged file system, times, and owners.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

SECTOR_BYTES = 512
ROOT = 0
# What becomes of an operation: all of it, nothing, or what a write says besides.
WHOLE = "whole"
NONE = "none"


@dataclass
class Disk:
    """Files and folders by number; the folder it is of has the number `ROOT`. Those that no name leads to are kept."""

    files: dict[int, bytes]
    folders: dict[int, dict[str, int]]
    modes: dict[int, int]

    @staticmethod
    def of(folder: Path) -> "Disk":
        disk = Disk({}, {}, {})
        disk.take(folder)
        return disk

    def take(self, path: Path) -> int:
        number = len(self.modes)
        self.modes[number] = path.stat().st_mode & 0o7777
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"{path}: neither a file nor a folder")
        if path.is_file():
            self.files[number] = path.read_bytes()
        else:
            self.folders[number] = {}
            for inner in sorted(path.iterdir()):
                self.folders[number][inner.name] = self.take(inner)
        return number

    def add(self, mode: int, is_folder: bool) -> int:
        """Of a new file or folder, empty and without a name."""
        number = len(self.modes)
        self.modes[number] = mode
        if is_folder:
            self.folders[number] = {}
        else:
            self.files[number] = b""
        return number

    def copy(self) -> "Disk":
        return Disk(dict(self.files), {key: dict(names) for key, names in self.folders.items()}, dict(self.modes))

    def find(self, parts: tuple[str, ...]) -> int | None:
        number = ROOT
        for part in parts:
            names = self.folders.get(number, {})
            if part not in names:
                return None
            number = names[part]
        return number

    def digest(self, number: int = ROOT) -> bytes:
        """Equal for disks on which a program finds the same."""
        digest = hashlib.sha256(self.modes[number].to_bytes(4, "big"))
        if number in self.files:
            digest.update(b"file" + self.files[number])
        else:
            digest.update(b"folder")
            for name, inner in sorted(self.folders[number].items()):
                digest.update(os.fsencode(name) + b"\0" + self.digest(inner))
        return digest.digest()

    def build(self, path: Path, number: int = ROOT) -> None:
        """Makes it at `path`, where nothing is."""
        if number in self.files:
            path.write_bytes(self.files[number])
        else:
            path.mkdir()
            for name, inner in self.folders[number].items():
                self.build(path / name, inner)
        path.chmod(self.modes[number])


@dataclass(frozen=True)
class Change:
    """An operation that is lost with the power until `forced_by` were forced."""

    # The call and what it was about, for people.
    text: str

    @property
    def forced_by(self) -> set[int]:
        raise NotImplementedError

    def apply(self, disk: Disk, left: str) -> None:
        """Does to `disk` what is `left` of the change."""
        if left != NONE:
            self.do(disk)

    def do(self, disk: Disk) -> None:
        raise NotImplementedError

    def variants(self) -> list[str]:
        """What may be left of it but the whole."""
        return [NONE]


@dataclass(frozen=True)
class Write(Change):
    file: int
    offset: int
    data: bytes

    @property
    def forced_by(self) -> set[int]:
        return {self.file}

    def variants(self) -> list[str]:
        """`sized`: the file has grown, and nothing more. At a boundary that many bytes from the write's begin: `head`
        ends there, `torn` has its size and no bytes after it, `tail` none before it."""
        first = SECTOR_BYTES - self.offset % SECTOR_BYTES
        bounds = range(first, len(self.data), SECTOR_BYTES)
        return [NONE, "sized"] + [f"{kind}{bound}" for bound in bounds for kind in ("head", "torn", "tail")]

    def apply(self, disk: Disk, left: str) -> None:
        if left == NONE:
            return
        kind = left.rstrip("0123456789")
        bound = int(left.removeprefix(kind) or 0)
        begin, end, size = {
            WHOLE: (0, len(self.data), len(self.data)),
            "sized": (0, 0, len(self.data)),
            "head": (0, bound, bound),
            "torn": (0, bound, len(self.data)),
            "tail": (bound, len(self.data), len(self.data)),
        }[kind]
        held = bytearray(disk.files[self.file].ljust(self.offset + size, b"\0"))
        held[self.offset + begin : self.offset + end] = self.data[begin:end]
        disk.files[self.file] = bytes(held)


@dataclass(frozen=True)
class Resize(Change):
    file: int
    size: int

    @property
    def forced_by(self) -> set[int]:
        return {self.file}

    def do(self, disk: Disk) -> None:
        disk.files[self.file] = disk.files[self.file][: self.size].ljust(self.size, b"\0")


@dataclass(frozen=True)
class Permit(Change):
    """A change of what may be done with a file or folder, by chmod."""

    node: int
    mode: int

    @property
    def forced_by(self) -> set[int]:
        return {self.node}

    def do(self, disk: Disk) -> None:
        disk.modes[self.node] = self.mode


@dataclass(frozen=True)
class Name(Change):
    """`node` gets a name in `folder`: it was made, or linked."""

    folder: int
    name: str
    node: int

    @property
    def forced_by(self) -> set[int]:
        return {self.folder}

    def do(self, disk: Disk) -> None:
        disk.folders[self.folder][self.name] = self.node


@dataclass(frozen=True)
class Unname(Change):
    folder: int
    name: str

    @property
    def forced_by(self) -> set[int]:
        return {self.folder}

    def do(self, disk: Disk) -> None:
        disk.folders[self.folder].pop(self.name, None)


@dataclass(frozen=True)
class Rename(Change):
    folder: int
    name: str
    to_folder: int
    to_name: str
    node: int

    @property
    def forced_by(self) -> set[int]:
        return {self.folder, self.to_folder}

    def do(self, disk: Disk) -> None:
        disk.folders[self.folder].pop(self.name, None)
        disk.folders[self.to_folder][self.to_name] = self.node


@dataclass(frozen=True)
class Force:
    """What was done to `node` (None: to all) before the operation number `begun` stays from now on."""

    text: str
    node: int | None
    begun: int


Operation = Change | Force
