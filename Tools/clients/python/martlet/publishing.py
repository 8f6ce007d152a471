"""Uploads of version folders: what is sent, and what the answers say. Knows no connection."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from martlet.calls import identity
from martlet.errors import Code, MartletError
from martlet.protocol import UNTIL_ANSWERED, Request, parse
from martlet.rollouts import PublishProgress
from martlet.types import ModelIdentity
from martlet.v1 import rollout_pb2 as rollout

CHUNK_BYTES = 256 << 10
# A file whose first chunk does not become smaller than this share is sent as it is.
WORTHWHILE_SHARE = 0.95
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Upload:
    """One version's folder on its way. `messages` begins anew each time it is called."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        manifest = (self._folder / "manifest.json").read_bytes()
        signature = self._folder / "model.sig"
        self._files = files_of(manifest)
        begin = rollout.PublishBegin(
            manifest=manifest, signature=signature.read_bytes() if signature.exists() else b"")
        self._begin = rollout.PublishPart(begin=begin).SerializeToString()
        self._held: dict[str, int] | None = None
        self._chunk_bytes = CHUNK_BYTES
        self.identity: ModelIdentity | None = None
        self.progress = PublishProgress(0, 0, sum(self._files.values()))

    def fit(self, limit: int) -> None:
        """Makes chunks as large as a server takes them whose messages have at most `limit` bytes.

        Raises when the first message, the manifest and the signature, is above it.
        """
        if len(self._begin) > limit:
            raise MartletError(
                Code.FAILED_PRECONDITION,
                f"manifest.json and model.sig take a message of {len(self._begin)} bytes, and the server's limit is "
                f"{limit} (messageBytesMax). Raise it there, or publish into the server's models folder on its machine")
        # The other half is more than a file's name and its offset take.
        self._chunk_bytes = max(1, min(CHUNK_BYTES, limit // 2))

    def messages(self) -> Iterator[Request]:
        """The manifest; once `take` was given what the server holds, the rest of each file."""
        self._held = None
        yield self._begin
        yield UNTIL_ANSWERED
        held: dict[str, int] | None = self._held
        if held is None:  # the call ended first, and says why
            return
        for name, size in self._files.items():
            yield from self._file(name, held.get(name, 0), size)

    def take(self, data: bytes) -> PublishProgress | None:
        """Takes an answer. Returns the progress when it changed."""
        event = parse(data, rollout.PublishEvent)
        kind = event.WhichOneof("event")
        if kind == "held":
            self._held = {file.name: file.bytes for file in event.held.files}
            held = sum(self._held.values())
            self.progress = PublishProgress(held, held, self.progress.total)
        elif kind == "received_bytes":
            self.progress = PublishProgress(self.progress.held, event.received_bytes, self.progress.total)
        elif kind == "published":
            self.identity = identity(event.published)
            return None
        return self.progress

    def published(self) -> ModelIdentity:
        if self.identity is None:
            raise MartletError(Code.INTERNAL, "the server reported success without an answer")
        return self.identity

    def _file(self, name: str, offset: int, size: int) -> Iterator[bytes]:
        compresses: bool | None = None
        with open(self._folder / name, "rb") as file:
            file.seek(offset)
            while offset < size:
                chunk = file.read(min(self._chunk_bytes, size - offset))
                if not chunk:
                    raise MartletError(
                        Code.FAILED_PRECONDITION,
                        f"{name} has {offset} bytes and the manifest says {size}: the folder is not a whole version")
                part = rollout.PublishBytes(file=name, offset=offset)
                small = zlib.compress(chunk, 1) if compresses is not False else chunk
                if compresses is None:
                    compresses = len(small) < WORTHWHILE_SHARE * len(chunk)
                if compresses and len(small) < len(chunk):
                    part.zlib_data = small
                else:
                    part.data = chunk
                offset += len(chunk)
                yield rollout.PublishPart(bytes=part).SerializeToString()


def files_of(manifest: bytes) -> dict[str, int]:
    """Names and sizes of a version's files."""
    try:
        files = {str(one["name"]): int(one["bytes"]) for one in json.loads(manifest)["files"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("manifest.json is not that of a version") from error
    for name, size in files.items():
        # A name with a way out of the folder would send a file that is no part of the version.
        if not FILE_NAME.fullmatch(name) or size < 0:
            raise ValueError("manifest.json names a file that can be no part of a version")
    return files
