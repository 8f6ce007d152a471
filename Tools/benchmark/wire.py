"""What the protocols cost: a server whose model does nothing on one core, its clients on another.

Native load comes from martlet-measure, gRPC and HTTP/1.1 load from nghttp2's h2load. The gRPC peer is a bare echo on
grpc-swift-2 (Tools/peers/grpc-echo): it decodes nothing, Martlet decodes its request and builds its answer. The two
take turns (A B B A), and a rate is the median of its turns.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from .failure import BenchError, say
from .preparation import CACHE, PEERS, run_step
from .workers import Setup

TEXT = (
    "the good people of the world may see new work and then make much of it for some time after all that came "
    "before them under the great old state of their own way and here is more that each one must know well"
)[:200]
CLASSIFY = "/martlet.v1.InferenceService/Classify"
JSON_PATH = "/martlet/v1/classify"
JSON_BODY = json.dumps({"model": {"name": "noop"}, "inputs": [{"text": TEXT}]}).encode()
IDLE_CONNECTIONS = 2_000


def field(number: int, value: bytes) -> bytes:
    """A length-delimited protobuf field of fewer than 16384 bytes."""
    length = len(value)
    size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return bytes([number << 3 | 2]) + size + value


def grpc_body() -> bytes:
    message = field(1, field(1, b"noop")) + field(2, field(1, TEXT.encode()))
    return struct.pack(">BI", 0, len(message)) + message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(command: list[str], port: int, cpu: int):
    """A server on one core until the block ends: it stops when its standard input does."""
    process = subprocess.Popen(
        ["taskset", "-c", str(cpu), *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError(f"{Path(command[0]).name} did not listen on its port") from None
                time.sleep(0.05)
        yield process.pid
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def build_echo() -> Path:
    scratch = CACHE / "grpc-echo"
    run_step(
        ["swift", "build", "-c", "release", "--package-path", str(PEERS / "grpc-echo"), "--scratch-path", str(scratch)],
        "building the grpc-swift-2 echo server (seven minutes, once)",
        "Tools/peers/grpc-echo does not build; see above",
    )
    return scratch / "release" / "grpc-echo"


class Load:
    """h2load and wire-load on the client's core."""

    def __init__(self, setup: Setup, cpu: int, seconds: int) -> None:
        self.measure, self.cpu, self.seconds = setup.measure, cpu, seconds
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-wire-"))
        (self.folder / "grpc").write_bytes(grpc_body())
        (self.folder / "json").write_bytes(JSON_BODY)

    def end(self) -> None:
        shutil.rmtree(self.folder)

    def native(self, port: int, connections: int, in_flight: int) -> dict:
        command = [str(self.measure), "wire-load", str(port), str(connections), str(in_flight), str(self.seconds)]
        return json.loads(self.run(command))

    def grpc(self, port: int, path: str, connections: int, streams: int) -> float:
        head = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        return self.rate(port, path, "grpc", ["-c", str(connections), "-m", str(streams), *head])

    def http(self, port: int, connections: int) -> float:
        head = ["--h1", "-H", "content-type: application/json"]
        return self.rate(port, JSON_PATH, "json", ["-c", str(connections), *head])

    def rate(self, port: int, path: str, body: str, options: list[str]) -> float:
        words = ["h2load", "-t", "1", "-D", str(self.seconds), "--warm-up-time", "1", *options]
        text = self.run([*words, "-d", str(self.folder / body), f"http://127.0.0.1:{port}{path}"])
        codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
        if not codes or int(codes[1]) == 0 or any(int(codes[index]) for index in (2, 3, 4)):
            raise BenchError(f"h2load {path}: not every answer was 200: {text.strip()[-300:]}")
        return float(re.search(r"finished in [^,]+, ([\d.]+) req/s", text)[1])

    def grpc_p50(self, port: int) -> float:
        """Microseconds of one call at a time."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        head = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        words = ["h2load", "-t", "1", "-c", "1", "-m", "1", "-n", "10000", "--log-file", str(log), *head]
        self.run([*words, "-d", str(self.folder / "grpc"), f"http://127.0.0.1:{port}{CLASSIFY}"])
        return statistics.median(int(line.split()[2]) for line in log.read_text().splitlines())

    def run(self, command: list[str]) -> str:
        done = subprocess.run(
            ["taskset", "-c", str(self.cpu), *command], capture_output=True, text=True, timeout=120
        )
        if done.returncode != 0:
            raise BenchError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout


def tcp_echo_p50(server_cpu: int, client_cpu: int) -> float:
    """Microseconds that 250 bytes take there and back between two processes that do nothing else: no server can be
    faster than this machine wakes one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        echo = os.fork()
        if echo == 0:
            os.sched_setaffinity(0, {server_cpu})
            peer, _ = listener.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := peer.recv(4_096):
                peer.sendall(data)
            os._exit(0)
        client = socket.create_connection(listener.getsockname(), 5)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {client_cpu})
    times = []
    try:
        for _ in range(10_000):
            start = time.perf_counter()
            client.sendall(bytes(250))
            client.recv(4_096)
            times.append(time.perf_counter() - start)
    finally:
        client.close()
        os.waitpid(echo, 0)
        os.sched_setaffinity(0, before)
    return statistics.median(times) * 1e6


def resident_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024


def idle_kib(pid: int, port: int, greeting: bytes) -> float:
    """What one open connection without calls adds to the server, greeted and at rest."""
    before = resident_bytes(pid)
    connections = []
    try:
        for _ in range(IDLE_CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port), 5)
            connection.sendall(greeting)
            connections.append(connection)
        for connection in connections:
            connection.settimeout(5)
            connection.recv(65536)
        time.sleep(0.5)
        return (resident_bytes(pid) - before) / IDLE_CONNECTIONS / 1024
    finally:
        for connection in connections:
            connection.close()


def greetings() -> dict[str, bytes]:
    # Frame{hello = Hello{protocol = 1, message_bytes_max, initial_credit_bytes}}
    hello = field(2, b"\x08\x01\x10\x80\x80\x80\x02\x18\x80\x80\x04")
    return {
        "native": b"MARTLET1" + struct.pack(">BI", 0, len(hello)) + hello,
        "gRPC": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0",
        "HTTP/1.1": b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n",
    }


def row(
    case: str, value: float, unit: str, limit: float | None = None, *, peer: str = "limit", least: bool = True
) -> dict:
    """`limit` is a least value, or with `least` false a greatest one; a ratio of 1 and more holds."""
    if limit is None:
        return {"case": case, "martlet": value, "unit": unit}
    ratio = value / limit if least else limit / max(value, 1e-9)
    return {
        "case": case, "martlet": value, "unit": unit, "peer": peer, "peer_value": limit, "ratio": ratio, "target": 1.0,
        "holds": ratio >= 1,
    }


def run_wire(setup: Setup, quick: bool) -> list[dict]:
    if not shutil.which("h2load"):
        raise BenchError("h2load is not installed: apt-get install nghttp2-client")
    if len(setup.cpus) < 2:
        raise BenchError("wire needs two CPUs: one for the server, one for its clients")
    echo = build_echo()
    server_cpu, client_cpu = setup.cpus[:2]
    load = Load(setup, client_cpu, 2 if quick else 5)
    port, echo_port = free_port(), free_port()
    rows: list[dict] = []
    try:
        say("wire")
        command = [str(setup.measure), "wire-server", f"127.0.0.1:{port}"]
        # A new server for each: what the connections of one left behind would serve the next.
        for protocol, greeting in greetings().items():
            with server(command, port, server_cpu) as pid:
                idle = idle_kib(pid, port, greeting)
                rows.append(row(f"{protocol}: an idle connection", idle, "KiB", 40, least=False))
        with server(command, port, server_cpu), server([str(echo), str(echo_port), "1"], echo_port, server_cpu):
            pipelined = load.native(port, 8, 64)
            rows.append(row("native: 8 connections x 64 calls", pipelined["calls_per_second"], "calls/s", 60_000))
            ours, theirs = [], []
            for turn in ["ours", "theirs", "theirs", "ours"] * (1 if quick else 2):
                if turn == "ours":
                    ours.append(load.grpc(port, CLASSIFY, 8, 16))
                else:
                    theirs.append(load.grpc(echo_port, "/echo.Echo/Echo", 8, 16))
            rate, peer = statistics.median(ours), statistics.median(theirs)
            rows.append(row("gRPC: 8 connections x 16 streams", rate, "calls/s", 20_000))
            case = "gRPC: the same against a grpc-swift-2 echo"
            against = row(case, rate, "calls/s", peer, peer="grpc-swift-2")
            rows.append(against | {"target": 2.5, "holds": rate >= 2.5 * peer})
            rows.append(row("HTTP/1.1 JSON: 32 connections", load.http(port, 32), "calls/s", 25_000))
            rows.append(row("bare TCP echo, one at a time, p50", tcp_echo_p50(server_cpu, client_cpu), "us"))
            alone = load.native(port, 1, 1)
            rows.append(row("native: one call at a time, p50", alone["p50_us"], "us", 150, least=False))
            rows.append(row("native: one call at a time, p99", alone["p99_us"], "us"))
            rows.append(row("gRPC: one call at a time, p50", load.grpc_p50(port), "us", 150, least=False))
    finally:
        load.end()
    return rows
