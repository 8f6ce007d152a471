"""The one exception of this package, and the codes it carries."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """gRPC's status numbers. A server may send a number that is not here: compare with ==."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class MartletError(Exception):
    """A call or connection that failed.

    `code` is a gRPC status number (`martlet.Code`), `retry_after` the seconds after which the same call is worth
    another try, None without a hint.
    """

    def __init__(self, code: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{message} (code {int(code)})")
        self.code, self.message, self.retry_after = code, message, retry_after
