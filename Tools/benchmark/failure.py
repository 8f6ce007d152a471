"""The one error a person sees, and how the tool speaks while it works."""

from __future__ import annotations

import sys


class BenchError(Exception):
    """Something a person can act on; the message says what."""


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
