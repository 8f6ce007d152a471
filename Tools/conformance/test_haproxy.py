"""HAProxy with HTTP/2 on both sides in front of two servers, one of which is rolled at a time."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from conftest import Server, free_port


def haproxy_version() -> str:
    if not shutil.which("haproxy"):
        return "not installed"
    return subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout.split()[2].split("-")[0]


CLIENT = ("haproxy", haproxy_version())
CONFIGURATION = """
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
frontend grpc
    bind 127.0.0.1:{port} proto h2
    default_backend nodes
backend nodes
    balance roundrobin
    option http-buffer-request
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/2.0 hdr host martlet
    default-server proto h2 check check-proto h2 inter 100ms fall 1 rise 1
    server first {first}
    server second {second}
"""


@pytest.fixture
def front(tmp_path: Path):
    """Starts HAProxy before two addresses; gives the port it listens on."""
    if not shutil.which("haproxy"):
        pytest.skip("haproxy is not installed")
    running: list[subprocess.Popen] = []

    def begin(first: str, second: str) -> int:
        port = free_port()
        file = tmp_path / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(port=port, first=first, second=second))
        running.append(subprocess.Popen(["haproxy", "-db", "-f", str(file)], stderr=(tmp_path / "log").open("wb")))
        return port

    yield begin
    for process in running:
        process.terminate()
        process.wait(10)


def test_rolling_both_servers_behind_it_loses_no_call(
    start: Callable[..., Server], published: Path, front: Callable[[str, str], int], api: SimpleNamespace
):
    pb = api.inference_pb2
    first, second = start(published), start(published)
    port = front(first.address, second.address)
    stop = threading.Event()
    answered, failures = [0] * 4, []
    request = pb.ClassifyRequest(inputs=[pb.TextInput(text="How do I bake sourdough bread?")])
    request.model.name = "guard"

    def call_all_the_time(index: int) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            classify = channel.unary_unary(
                "/martlet.v1.InferenceService/Classify",
                request_serializer=pb.ClassifyRequest.SerializeToString,
                response_deserializer=pb.ClassifyResponse.FromString,
            )
            classify(request, timeout=20, wait_for_ready=True)
            while not stop.is_set():
                try:
                    assert classify(request, timeout=20).results[0].scores[0].label == "SAFE"
                    answered[index] += 1
                except grpc.RpcError as error:
                    failures.append(f"{error.code()}: {error.details()}")

    threads = [threading.Thread(target=call_all_the_time, args=(index,)) for index in range(len(answered))]
    for thread in threads:
        thread.start()

    def until_more_calls(count: int) -> None:
        wanted, deadline = sum(answered) + count, time.monotonic() + 60
        while sum(answered) < wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sum(answered) >= wanted, f"only {sum(answered)} of {wanted} calls were answered; {failures[:3]}"

    try:
        until_more_calls(50)
        assert first.end() == 0
        until_more_calls(50)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failures == []


def test_the_first_server_comes_back_and_the_second_may_go(
    start: Callable[..., Server], published: Path, front: Callable[[str, str], int]
):
    first, second = start(published), start(published)
    port = front(first.address, second.address)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        models = channel.unary_unary("/martlet.v1.ModelService/ListModels")
        assert b"guard" in models(b"", timeout=20, wait_for_ready=True)
        assert second.end() == 0
        for _ in range(20):
            assert b"guard" in models(b"", timeout=20)
