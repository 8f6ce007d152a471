"""Swaps two versions of a model under half load on MLServer, as `martlet-measure swap` does on Martlet.

  swap.py --models A B --swaps N [--pause MS]

A and B are folders with tokenizer.json and onnxruntime-int8.onnx. MLServer replaces a loaded model when its repository
is asked to load it again; its settings then name the other folder. The model has no version number there: with one,
MLServer names a new version the default before it is ready, and calls fail. Everything else is at MLServer's defaults.
Calls begin when they are due, over gRPC; every answer must have the bits of one of the two. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import grpc
import numpy as np
from mlserver.grpc import dataplane_pb2 as plane
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

HERE = Path(__file__).resolve().parent
NAME = "swap"
CAPACITY_SECONDS = 3.0
CALLERS = 32
TEXT = (
    "the good people of the world may see new work and then make much of it for some time after all that came "
    "before them under the great old state of their own way and here is more that each one must know well"
)[:200]
WORDS = TEXT.split()
# The texts of martlet-measure's SwapTraffic.
TEXTS = [" ".join(WORDS[(place + word) % len(WORDS)] for word in range(2 + place * 7 % 38)) for place in range(32)]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Peer:
    """MLServer on a folder of settings."""

    def __init__(self, models: list[str], folder: Path) -> None:
        self.models, self.folder = models, folder
        http, self.port, metrics = free_ports(3)
        settings = {"http_port": http, "grpc_port": self.port, "metrics_port": metrics, "host": "127.0.0.1"}
        (folder / "settings.json").write_text(json.dumps(settings))
        self.name_version(0)
        environment = {**os.environ, "PYTHONPATH": str(HERE)}
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("mlserver")), "start", str(folder)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def name_version(self, index: int) -> None:
        """What the next load brings."""
        parameters = {"uri": self.models[index]}
        settings = {"name": NAME, "implementation": "classifier.Classifier", "parameters": parameters}
        (self.folder / "model-settings.json").write_text(json.dumps(settings))

    def processes(self) -> list[int]:
        """MLServer answers in workers of its own."""
        found, waiting = [], [self.process.pid]
        while waiting:
            one = waiting.pop()
            found.append(one)
            try:
                waiting += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
            except OSError:
                continue
        return found

    def memory(self) -> int:
        total = 0
        for one in self.processes():
            try:
                lines = Path(f"/proc/{one}/status").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))
        return total

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Traffic:
    def __init__(self, stub: GRPCInferenceServiceStub) -> None:
        self.stub = stub
        # What the texts are answered, by each of the two.
        self.truth: list[list[bytes]] = []
        self.calls: list[tuple[float, float]] = []
        self.failures: Counter[str] = Counter()
        self.mixed = 0
        self.over = False

    async def call(self, index: int) -> bytes:
        tensor = plane.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[1, 1])
        tensor.contents.bytes_contents.append(TEXTS[index % len(TEXTS)].encode())
        tensor.parameters["content_type"].string_param = "str"
        answer = await self.stub.ModelInfer(plane.ModelInferRequest(model_name=NAME, inputs=[tensor]), timeout=60)
        contents = answer.outputs[0].contents
        values = list(contents.fp32_contents or contents.fp64_contents)
        return np.array(values, np.float32).tobytes()

    async def learn(self) -> None:
        self.truth.append([await self.call(index) for index in range(len(TEXTS))])

    async def capacity(self) -> float:
        end = time.monotonic() + CAPACITY_SECONDS

        async def caller(number: int) -> int:
            count = 0
            while time.monotonic() < end:
                await self.call(number + count * 5)
                count += 1
            return count

        return sum(await asyncio.gather(*(caller(number) for number in range(CALLERS)))) / CAPACITY_SECONDS

    async def one(self, index: int, due: float) -> None:
        try:
            bits = await self.call(index)
        except grpc.aio.AioRpcError as error:
            self.failures[f"{error.code().name}: {(error.details() or '')[:80]}"] += 1
            return
        self.calls.append((due, (time.monotonic() - due) * 1_000))
        if bits not in [texts[index % len(TEXTS)] for texts in self.truth]:
            self.mixed += 1

    async def run(self, rate: float) -> None:
        tasks: set[asyncio.Task[None]] = set()
        due, index = time.monotonic(), 0
        while not self.over:
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self.one(index, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            index += 1
        if tasks:
            await asyncio.wait(tasks)


def percentile(values: list[float], percent: float) -> float:
    return sorted(values)[int((len(values) - 1) * percent / 100)] if values else 0.0


async def load(stub: GRPCInferenceServiceStub, peer: Peer, index: int) -> None:
    peer.name_version(index)
    await stub.RepositoryModelLoad(plane.RepositoryModelLoadRequest(model_name=NAME), timeout=120)


async def measure(peer: Peer, swaps: int, pause: float) -> dict[str, object]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{peer.port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        deadline = time.monotonic() + 120
        while True:
            try:
                if (await stub.ModelReady(plane.ModelReadyRequest(name=NAME), timeout=5)).ready:
                    break
            except grpc.aio.AioRpcError:
                if peer.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("MLServer did not start") from None
            await asyncio.sleep(0.2)
        traffic = Traffic(stub)
        for index in (1, 0):
            await load(stub, peer, index)
            await traffic.learn()
        capacity = await traffic.capacity()
        rate = capacity / 2
        print(f"MLServer: {capacity:.0f} calls a second at most; {swaps} swaps under {rate:.0f}", file=sys.stderr)
        running = asyncio.create_task(traffic.run(rate))
        await asyncio.sleep(3)
        windows: list[tuple[float, float]] = []
        memory: list[int] = []
        for number in range(swaps):
            start = time.monotonic()
            await load(stub, peer, 1 - number % 2)
            windows.append((start, time.monotonic()))
            await asyncio.sleep(pause)
            memory.append(peer.memory())
        await asyncio.sleep(3)
        traffic.over = True
        await running
    inside = [time for due, time in traffic.calls if any(start <= due <= end for start, end in windows)]
    outside = [time for due, time in traffic.calls if not any(start <= due <= end for start, end in windows)]
    counted = memory[min(500, swaps // 4) :]
    slope = float(np.polyfit(range(len(counted)), counted, 1)[0]) if len(counted) > 1 else 0.0
    return {
        "capacity": capacity,
        "rate": rate,
        "swaps": swaps,
        "failed": sum(traffic.failures.values()),
        "failures": dict(traffic.failures),
        "mixed": traffic.mixed,
        "p99_during_ms": percentile(inside, 99),
        "p99_outside_ms": percentile(outside, 99),
        "swap_ms": percentile([(end - start) * 1_000 for start, end in windows], 50),
        "memory_slope_bytes": slope,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs=2, required=True)
    parser.add_argument("--swaps", type=int, required=True)
    parser.add_argument("--pause", type=int, default=200, metavar="MS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="martlet-mlserver-") as folder:
        peer = Peer(arguments.models, Path(folder))
        try:
            print(json.dumps(asyncio.run(measure(peer, arguments.swaps, arguments.pause / 1_000))))
        finally:
            peer.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
