"""A server that ends a call while its requests still come: grpcio's own server, which answers early and returns."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from martlet import MartletError
from martlet.options import Address, Options

grpc = pytest.importorskip("grpc")

from martlet.grpc_transport import AsyncGRPCTransport  # noqa: E402: needs grpc

PATH = "/test.Early/End"
# A race of the client with the server's status: grpc.aio alone loses about one in ten.
CALLS = 200


class Early(grpc.GenericRpcHandler):
    """Reads one request, answers it, and ends with OK or with what the request names."""

    def service(self, details):
        async def end(requests, context):
            first = await anext(requests)
            yield b"answer"
            if first == b"refuse":
                await context.abort(grpc.StatusCode.NOT_FOUND, "no such model")

        return grpc.stream_stream_rpc_method_handler(end)


@pytest.mark.parametrize("wish", [b"accept", b"refuse"])
def test_the_servers_status_is_told_whenever_it_ends_a_call(wish: bytes):
    async def endless() -> AsyncIterator[bytes]:
        yield wish
        for _ in itertools.count():
            yield b"x" * 10_000

    async def call(transport: AsyncGRPCTransport) -> None:
        answers = []
        try:
            async for answer in transport.stream(PATH, endless(), None):
                answers.append(answer)
            assert wish == b"accept"
        except MartletError as error:
            assert (error.code, error.message) == (5, "no such model") and wish == b"refuse"
        assert answers == [b"answer"]

    async def run() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((Early(),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        transport = AsyncGRPCTransport(Address.parse(f"127.0.0.1:{port}"), Options())
        for _ in range(CALLS):
            await call(transport)
        await transport.close()
        await server.stop(None)

    asyncio.run(run())
