"""What a program does to a folder is followed call by call, or refused."""

from pathlib import Path

import pytest

import injection
import power
from disk import Disk
from injection import Point
from programs import recorded
from recording import Unknown

pytestmark = pytest.mark.skipif(injection.unusable() is not None, reason="strace cannot trace here")

# Whatever the recorder knows.
DOES_ALL = """
import fcntl, os, sys
os.chdir(sys.argv[1])
here = os.open(".", os.O_RDONLY)
os.mkdir("a", dir_fd=here)
a = os.open("a", os.O_RDONLY, dir_fd=here)
first = os.open("one", os.O_RDWR | os.O_CREAT, 0o600, dir_fd=a)
os.write(first, b"12345678")
second = os.dup(first)
os.lseek(second, 2, os.SEEK_SET)
os.write(first, b"ab")
os.read(second, 1)
os.write(fcntl.fcntl(first, fcntl.F_DUPFD, 20), b"cd")
os.pwrite(first, b"far", 5000)
os.ftruncate(second, 4000)
os.rename("one", "two", src_dir_fd=a, dst_dir_fd=here)
os.write(first, b"ef")
os.link("two", "three", src_dir_fd=here, dst_dir_fd=a)
os.unlink("two", dir_fd=here)
appended = os.open("state", os.O_WRONLY | os.O_APPEND, dir_fd=here)
os.write(appended, b"more")
os.write(appended, b"more")
os.fchmod(appended, 0o640)
os.chmod("three", 0o400, dir_fd=a)
os.mkdir("b", dir_fd=here)
os.rmdir("b", dir_fd=here)
os.fsync(a)
os.fdatasync(first)
os.open("state", os.O_WRONLY | os.O_TRUNC, dir_fd=here)
"""
NOT_KNOWN = {
    "posix_fallocate": "os.posix_fallocate(file, 0, 4096)",
    "writev": "os.writev(file, [b'a', b'b'])",
    "mmap": "__import__('mmap').mmap(file, 100)",
    "symlink": "os.symlink('nowhere', path + '.link')",
    "O_SYNC": "os.open(path, os.O_WRONLY | os.O_SYNC)",
    "ioctl": "__import__('fcntl').ioctl(file, 0x541B, bytes(4))",
}


def test_all_that_a_program_does_is_followed(tmp_path: Path) -> None:
    recording = recorded(tmp_path, DOES_ALL)

    at_end = Point(power.CALL, len(recording.operations), "whole")
    assert power.disk_left(recording, at_end).digest() == Disk.of(tmp_path / "root").digest()
    assert len(recording.operations) == 20


@pytest.mark.parametrize("call", NOT_KNOWN)
def test_a_change_that_the_model_does_not_know_is_an_error(tmp_path: Path, call: str) -> None:
    program = f"import os, sys\npath = sys.argv[1] + '/state'\nfile = os.open(path, os.O_RDWR)\n{NOT_KNOWN[call]}\n"
    with pytest.raises(Unknown):
        recorded(tmp_path, program)
