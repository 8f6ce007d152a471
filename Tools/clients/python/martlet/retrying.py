"""Which failures are worth another try, and after how long."""

from __future__ import annotations

import random

from martlet.errors import Code, MartletError
from martlet.options import Retry


class Attempts:
    """The tries of one call."""

    def __init__(self, policy: Retry, deadline: float | None) -> None:
        self._policy, self._deadline = policy, deadline
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
        if self._deadline is not None and now + wait >= self._deadline:
            raise error
        self._made += 1
        return wait
