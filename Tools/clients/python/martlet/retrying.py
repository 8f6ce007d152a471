"""How long calls may take, which failures are worth another try, and after how long."""

from __future__ import annotations

import dataclasses
import random
import time

from martlet.errors import Code, MartletError
from martlet.options import Retry


@dataclasses.dataclass(frozen=True)
class Defaults:
    """What holds for the calls of a client that do not say otherwise."""

    retry: Retry
    timeout: float | None
    """Seconds; None waits for ever."""

    def attempts(self, timeout: float | None) -> Attempts:
        """Those of a call that starts now; `timeout` is its own, None when it has none."""
        return Attempts(self.retry, self.deadline(timeout))

    def deadline(self, timeout: float | None) -> float | None:
        timeout = self.timeout if timeout is None else timeout
        return None if timeout is None else time.monotonic() + timeout


class Attempts:
    """The tries of one call."""

    def __init__(self, policy: Retry, deadline: float | None) -> None:
        self._policy, self.deadline = policy, deadline
        self._made = 1

    def wait_after(self, error: MartletError, now: float) -> float:
        """Seconds to wait before the next try; raises `error` when there is none.

        `now` and the deadline are instants of the same clock.
        """
        policy = self._policy
        is_worth = error.code == Code.UNAVAILABLE or (
            error.code == Code.RESOURCE_EXHAUSTED and error.retry_after is not None)
        if not is_worth or self._made >= policy.attempts:
            raise error
        backoff = min(policy.most, policy.first * 2.0 ** (self._made - 1))
        # By chance, so that many clients do not come back at the same instant.
        wait = backoff * random.uniform(0.5, 1.0)
        if error.retry_after is not None:
            wait = max(wait, error.retry_after * random.uniform(1.0, 1.2))
            if error.retry_after > policy.most:
                raise error
        if self.deadline is not None and now + wait >= self.deadline:
            raise error
        self._made += 1
        return wait
