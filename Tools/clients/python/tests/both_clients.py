"""AsyncClient with the face of Client, so that one test proves both."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from martlet import AsyncClient, Client


class Driven:
    """Runs an AsyncClient's calls one after the other on an event loop of its own."""

    def __init__(self, address: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(self._make(address, options))

    @staticmethod
    async def _make(address: str, options: dict[str, Any]) -> AsyncClient:
        return AsyncClient(address, **options)

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            result = method(*arguments, **options)
            return self._runner.run(result) if inspect.iscoroutine(result) else self._steps(result)

        return call

    def _steps(self, source: Any) -> Any:
        async def step() -> Any:
            return await anext(source)

        async def close() -> None:
            await source.aclose()

        try:
            while True:
                try:
                    yield self._runner.run(step())
                except StopAsyncIteration:
                    return
        finally:
            self._runner.run(close())


BOTH = [Client, Driven]
