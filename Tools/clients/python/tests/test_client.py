"""Both clients against a scripted server. The name of each test is the sentence it proves."""

import asyncio
import concurrent.futures
import contextlib
import struct
import sys
import threading

import pytest

from martlet import AsyncClient, Client, MartletError, StreamRequest, __main__
from martlet.v1 import inference_pb2 as inference
from martlet.v1 import models_pb2 as models
from martlet.v1 import native_pb2 as native
from scripted_server import ScriptedServer, serve_one_classify


def test_classify_sends_one_message_and_reads_one_answer(talking):
    def script(peer):
        serve_one_classify(peer)
        opened, message = peer.seen[1], peer.seen[2]
        assert opened.call_id == 1
        assert opened.open.method == "/martlet.v1.InferenceService/Classify"
        assert 0 < opened.open.deadline_us <= 5_000_000
        request = inference.ClassifyRequest.FromString(message.message.payload)
        assert request.model.label == "stable" and request.top_k == 1
        assert request.inputs[1].pair == "b"

    with talking(script) as client:
        response = client.classify("guard:stable", ["Grüße", ("a", "b")], top_k=1, timeout=5)
        assert [r.scores[0].label for r in response.results] == ["Grüße", "a"]


def test_calls_go_over_a_unix_socket_too(talking, tmp_path):
    with talking(serve_one_classify, unix_path=str(tmp_path / "s")) as client:
        assert client.classify("guard@3", ["x"]).model.name == "guard"


def test_a_status_becomes_an_exception_with_code_and_hint_and_the_connection_goes_on(talking):
    def script(peer):
        peer.shake_hands()
        for _ in range(2):
            call = peer.expect("open").call_id
            peer.expect("message"), peer.expect("half_close")
            peer.send(call_id=call, status=native.Status(code=8, message="queue full", retry_after_ms=250))

    with talking(script) as client:
        for _ in range(2):
            with pytest.raises(MartletError) as caught:
                client.list_models()
            assert (caught.value.code, caught.value.message, caught.value.retry_after) == (8, "queue full", 0.25)


def test_a_deadline_cancels_the_call(talking):
    def script(peer):
        peer.shake_hands()
        peer.expect("open"), peer.expect("message"), peer.expect("half_close"), peer.expect("cancel")

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.get_model("guard", timeout=0.05)
    assert caught.value.code == 4


def test_ping_is_answered_and_asked(talking):
    def script(peer):
        peer.shake_hands()
        ping = peer.expect("ping")
        peer.send(ping=native.Ping(data=7))
        peer.send(pong=native.Pong(data=ping.ping.data))
        assert peer.expect("pong").pong.data == 7
        peer.expect("open")

    with talking(script) as client:
        assert 0 <= client.ping(timeout=5) < 5
        with pytest.raises(MartletError) as caught:
            client.list_models()
        assert caught.value.code == 14  # the script ended, and the connection with it


@pytest.mark.parametrize(
    ("goodbye", "code"), [({"code": 3, "reason": "a rule"}, 3), ({"last_call_id": 0, "reason": "drain"}, 14)])
def test_a_go_away_that_concerns_the_call_ends_it(talking, goodbye, code):
    def script(peer):
        peer.shake_hands()
        peer.expect("open")
        peer.send(go_away=native.GoAway(**goodbye))
        peer.read_to_end()

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.list_models()
    assert caught.value.code == code


def test_a_drain_lets_the_call_in_flight_end(talking):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.send(go_away=native.GoAway(last_call_id=call))
        peer.answer(call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        assert [m.name for m in client.list_models()] == ["guard"]


def test_a_message_above_the_servers_limit_is_refused_here(talking):
    def script(peer):
        peer.shake_hands(message_bytes_max=5000)
        peer.expect("open"), peer.expect("cancel")

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.classify("guard", ["x" * 6000])
    assert caught.value.code == 8


@pytest.mark.parametrize("junk", [
    b"HTTP/1.1 400", b"MARTLET1\x80\0\0\0\0", b"MARTLET1\0\xff\xff\xff\xff", b"MARTLET1\0\0\0\0\1\xff", b"MART"])
def test_a_server_that_speaks_something_else_is_an_error(talking, junk):
    with talking(lambda peer: peer.connection.sendall(junk)) as client, pytest.raises(MartletError) as caught:
        client.list_models()
    assert caught.value.code in (13, 14)


@pytest.mark.parametrize("frame", [
    {"call_id": 9, "status": native.Status()}, {"call_id": 1, "cancel": native.Cancel()},
    {"hello": native.Hello(protocol=1)}, {"call_id": 0, "message": native.Message()}], ids=str)
def test_a_frame_that_breaks_the_rules_ends_the_call(talking, frame):
    def script(peer):
        peer.shake_hands()
        peer.expect("open")
        peer.send(**frame)
        peer.read_to_end()

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.list_models(timeout=5)
    assert caught.value.code == 13


def test_answers_beyond_the_credit_end_the_call(talking):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        body = native.Frame(
            call_id=call, message=native.Message(payload=inference.DocumentEvent(running={}).SerializeToString())
        ).SerializeToString()
        peer.connection.sendall((struct.pack(">BI", 0, len(body)) + body) * 20_000)
        while peer.read().WhichOneof("kind") != "cancel":
            pass

    with talking(script) as client:
        events = client.classify_document("guard", iter(lambda: b"more", b""), timeout=5)
        with pytest.raises(MartletError) as caught:
            for _ in range(20_000):
                next(events)
    assert caught.value.code == 13 and "without credit" in caught.value.message


def test_a_stream_of_requests_is_answered_one_by_one(talking):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        while (frame := peer.read()).WhichOneof("kind") == "message":
            one = inference.ClassifyStreamRequest.FromString(frame.message.payload)
            assert one.unordered
            if one.id == "1":
                failed = inference.ClassifyStreamResponse(
                    id=one.id, failure={"code": 8, "message": "full", "retry_after_ms": 250})
                peer.answer(call, failed)
            else:
                peer.answer(call, inference.ClassifyStreamResponse(id=one.id, response={"model": {"version": 3}}))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        requests = [StreamRequest(str(number), "guard", ["text"]) for number in range(3)]
        answers = list(client.classify_stream(requests, unordered=True))
    assert [one.id for one in answers] == ["0", "1", "2"]
    assert answers[0].answer.model.version == 3 and answers[0].error is None
    assert (answers[1].error.code, answers[1].error.retry_after) == (8, 0.25) and answers[1].answer is None


def test_a_closed_client_starts_no_call(talking):
    with talking(serve_one_classify) as client:
        client.classify("guard", ["x"])
        client.close()
        with pytest.raises(MartletError) as caught:
            client.classify("guard", ["x"])
        assert caught.value.code == 1


def test_wrong_arguments_are_found_before_anything_is_sent(talking):
    with talking() as client:
        for arguments in [{"model": "guard@x"}, {"model": "guard:"}, {"overflow": "cut"}]:
            with pytest.raises(ValueError):
                client.classify(**{"model": "guard", "inputs": ["x"], **arguments})
        with pytest.raises(TypeError):
            client.classify("guard", "one text")


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "host:0", "host:70000", "[]:1", "unix:"])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(ValueError):
        Client(address)


def test_the_blocking_client_serves_many_threads():
    started = threading.Barrier(4)

    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        started.wait(10)  # every call is in flight at once
        peer.answer(call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    server = ScriptedServer(script, connections=4)
    with Client(server.address) as client, concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.list_models(timeout=10), range(4)))
    assert [one[0].name for one in answers] == ["guard"] * 4
    server.finish()


def test_many_calls_of_one_asyncio_client_share_its_connection():
    def script(peer):
        peer.shake_hands()
        calls = []
        while len(calls) < 50:
            frame = peer.read()
            if frame.WhichOneof("kind") == "half_close":
                calls.append(frame.call_id)
        for call in reversed(calls):
            peer.answer(call, models.ListModelsResponse(models=[{"name": str(call)}]))
            peer.send(call_id=call, status=native.Status())

    async def main():
        async with AsyncClient(server.address) as client:
            return await asyncio.gather(*(client.list_models(timeout=10) for _ in range(50)))

    server = ScriptedServer(script)
    answers = asyncio.run(main())
    assert sorted(int(one[0].name) for one in answers) == list(range(1, 51))
    server.finish()


def test_cancelling_an_asyncio_task_cancels_its_call():
    def script(peer):
        peer.shake_hands()
        while peer.read().WhichOneof("kind") != "cancel":
            pass

    async def main():
        async with AsyncClient(server.address) as client:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.list_models()

    server = ScriptedServer(script)
    asyncio.run(main())
    server.finish()


def test_the_command_line_prints_json_and_exits_with_1_on_errors(monkeypatch, capsys):
    server = ScriptedServer(serve_one_classify)
    monkeypatch.setattr(sys, "argv", ["martlet", "--address", server.address, "classify", "hello"])
    assert __main__.main() == 0
    server.finish()
    assert '"label": "hello"' in capsys.readouterr().out
    assert __main__.main() == 1
    assert "martlet: no server answers at 127.0.0.1" in capsys.readouterr().err
