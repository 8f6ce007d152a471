"""Documents from wherever they are, in chunks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import BinaryIO, TypeAlias

CHUNK_BYTES = 32 << 10

Document: TypeAlias = str | bytes | os.PathLike[str] | BinaryIO | Iterable[bytes]
"""Text or its UTF-8 bytes, a file's path (`pathlib.Path`), an open binary file, or an iterator of bytes, cut
anywhere."""
AsyncDocument: TypeAlias = Document | AsyncIterable[bytes]


def can_repeat(document: AsyncDocument) -> bool:
    """True when it can be read from its start again."""
    return isinstance(document, str | bytes | os.PathLike)


def chunks(document: Document) -> Iterator[bytes]:
    if isinstance(document, str):
        document = document.encode()
    if isinstance(document, os.PathLike):
        with open(document, "rb") as file:
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")
    elif isinstance(document, bytes | bytearray | memoryview):
        yield from cut(bytes(document))
    elif hasattr(document, "read"):
        yield from iter(lambda: document.read(CHUNK_BYTES), b"")
    else:
        for part in document:
            yield from cut(part)


async def chunks_async(document: AsyncDocument) -> AsyncIterator[bytes]:
    if isinstance(document, AsyncIterable):
        async for part in document:
            for piece in cut(part):
                yield piece
        return
    source = chunks(document)
    if isinstance(document, str | bytes):
        for piece in source:
            yield piece
        return
    # A file or an iterator may block: not on the event loop.
    while (chunk := await asyncio.to_thread(next, source, None)) is not None:
        yield chunk


def cut(part: bytes) -> Iterator[bytes]:
    return (part[start : start + CHUNK_BYTES] for start in range(0, len(part), CHUNK_BYTES))
