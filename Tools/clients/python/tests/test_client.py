"""Both clients against a scripted server. The name of each test is the sentence it proves."""

import asyncio
import concurrent.futures
import contextlib
import io
import struct
import sys
import threading
import time

import pytest

from both_clients import BOTH
from martlet import AsyncClient, Client, MartletError, Retry, StreamRequest, __main__
from martlet.v1 import inference_pb2 as inference
from martlet.v1 import models_pb2 as models
from martlet.v1 import native_pb2 as native
from scripted_server import Peer, ScriptedServer


@pytest.fixture(params=BOTH, ids=["blocking", "asyncio"])
def talking(request):
    """`with talking(script) as client`: a client that never tries again, and the server that runs the script."""

    @contextlib.contextmanager
    def talk(*scripts, attempts=1, unix_path=None):
        server = ScriptedServer(*scripts, unix_path=unix_path)
        with request.param(server.address, retry=Retry(attempts=attempts, first=0.01)) as client:
            yield client
        server.finish()

    return talk


def answer(peer: Peer, call: int, message) -> None:
    peer.send(call_id=call, message=native.Message(payload=message.SerializeToString()))


def read_to_end(peer: Peer) -> None:
    """Closing with unread bytes would reset the connection under what was sent last."""
    with contextlib.suppress(EOFError):
        while True:
            peer.read()


def serve_one_classify(peer: Peer) -> None:
    peer.shake_hands()
    opened = peer.expect("open")
    request = inference.ClassifyRequest.FromString(peer.expect("message").message.payload)
    peer.expect("half_close")
    results = [inference.TextResult(scores=[{"label": i.text, "score": 0.5}]) for i in request.inputs]
    answer(peer, opened.call_id, inference.ClassifyResponse(model={"name": request.model.name}, results=results))
    peer.send(call_id=opened.call_id, status=native.Status())


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


def test_a_document_respects_the_servers_credit(talking):
    chunks = [bytes([65 + i]) * 1000 for i in range(6)]

    def script(peer):
        peer.shake_hands(credit=1500)
        call = peer.expect("open").call_id
        assert inference.DocumentChunk.FromString(peer.expect("message").message.payload).options.window_tokens == 64
        got = []
        # 1500 less the options' 64: two chunks go, then the account is below 0.
        for expected in [2, 1, 3]:
            for _ in range(expected):
                got.append(inference.DocumentChunk.FromString(peer.expect("message").message.payload).data)
            if got != chunks:
                peer.connection.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    peer.connection.recv(1)
                peer.connection.settimeout(10)
                peer.send(call_id=call, credit=native.Credit(bytes=1000 if expected == 2 else 3500))
        peer.expect("half_close")
        assert got == chunks
        answer(peer, call, inference.DocumentEvent(final={"label": "SAFE"}))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        events = list(client.classify_document("guard", iter(chunks), window_tokens=64))
        assert events[-1].label == "SAFE"


def test_events_are_granted_again_only_once_they_are_used(talking):
    event = inference.DocumentEvent(window={"scores": [{"label": "x" * 40_000}]})
    size = event.ByteSize()

    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("message"), peer.expect("half_close")
        account = peer.seen[0].hello.initial_credit_bytes
        sent = 0
        while sent < 20:
            while account > 0 and sent < 20:
                answer(peer, call, event)
                account, sent = account - size, sent + 1
            if sent < 20:
                account += peer.expect("credit").credit.bytes
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        assert len(list(client.classify_document("guard", b"text"))) == 20


def test_events_arrive_while_the_document_is_still_sent(talking):
    def script(peer):
        peer.shake_hands(credit=100_000)
        call = peer.expect("open").call_id
        frames = 0
        while (frame := peer.read()).WhichOneof("kind") == "message":
            frames += 1
            answer(peer, call, inference.DocumentEvent(window={"index": frames}))
            peer.send(call_id=call, credit=native.Credit(bytes=max(64, len(frame.message.payload))))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        events = list(client.classify_document("guard", io.BytesIO(b"a" * 3_000_000)))
        assert [e.index for e in events] == list(range(1, len(events) + 1))
        assert len(events) == 1 + -(-3_000_000 // 32768)


def test_closing_the_generator_cancels_and_the_client_goes_on(talking):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message")
        answer(peer, call, inference.DocumentEvent(window={}))
        while peer.read().WhichOneof("kind") != "cancel":
            pass
        answer(peer, call, inference.DocumentEvent(window={}))  # crossed the cancel: to be ignored
        peer.send(call_id=call, status=native.Status(code=1))
        call = peer.expect("open").call_id
        assert call == 2
        peer.expect("message"), peer.expect("half_close")
        answer(peer, call, models.ModelStatus(name="guard"))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        events = client.classify_document("guard", iter(lambda: b"more", b""))
        next(events)
        events.close()
        assert client.get_model("guard").name == "guard"


def test_an_early_verdict_ends_the_document(talking):
    def script(peer):
        peer.shake_hands(credit=1000)
        call = peer.expect("open").call_id
        peer.expect("message")
        answer(peer, call, inference.DocumentEvent(final={"stopped_early": True}))
        peer.send(call_id=call, status=native.Status())
        read_to_end(peer)

    with talking(script) as client:
        assert list(client.classify_document("guard", b"x" * 100_000))[-1].stopped_early


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
        read_to_end(peer)

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.list_models()
    assert caught.value.code == code


def test_a_drain_lets_the_call_in_flight_end(talking):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.send(go_away=native.GoAway(last_call_id=call))
        answer(peer, call, models.ListModelsResponse(models=[{"name": "guard"}]))
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
        read_to_end(peer)

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


def refuse(code: int, retry_after_ms: int = 0):
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.send(call_id=call, status=native.Status(code=code, message="no", retry_after_ms=retry_after_ms))

    return script


def refuse_then_serve(code: int, retry_after_ms: int = 0):
    """On one connection: a refusal, and what comes after it."""

    def script(peer):
        refuse(code, retry_after_ms)(peer)
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        answer(peer, call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    return script


@pytest.mark.parametrize(("code", "hint"), [(14, 0), (14, 20), (8, 20)])
def test_an_overloaded_or_leaving_server_is_asked_again_after_its_hint(talking, code, hint):
    with talking(refuse_then_serve(code, hint), attempts=2) as client:
        start = time.monotonic()
        assert [model.name for model in client.list_models()] == ["guard"]
        assert time.monotonic() - start >= hint / 1000


@pytest.mark.parametrize(("code", "hint"), [(3, 20), (5, 0), (8, 0), (13, 0), (14, 3_600_000)])
def test_a_call_that_waiting_does_not_help_is_not_tried_again(talking, code, hint):
    with talking(refuse(code, hint), attempts=4) as client, pytest.raises(MartletError) as caught:
        client.list_models()
    assert caught.value.code == code


def test_a_call_whose_time_is_over_before_the_hint_is_not_tried_again(talking):
    with talking(refuse(14, 500), attempts=4) as client, pytest.raises(MartletError) as caught:
        client.list_models(timeout=0.4)
    assert caught.value.code == 14


def test_a_lost_connection_is_made_again_and_the_call_repeated(talking):
    def lose(peer):
        peer.shake_hands()
        peer.expect("open")

    def serve(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        answer(peer, call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    with talking(lose, serve, attempts=3) as client:
        assert [model.name for model in client.list_models()] == ["guard"]


def serve_document(peer: Peer) -> None:
    call = peer.expect("open").call_id
    received = 0
    while (frame := peer.read()).WhichOneof("kind") == "message":
        received += len(inference.DocumentChunk.FromString(frame.message.payload).data)
    answer(peer, call, inference.DocumentEvent(final={"label": "SAFE", "coverage": {"bytes_received": received}}))
    peer.send(call_id=call, status=native.Status())


def test_a_file_is_sent_again_when_nothing_was_answered(talking, tmp_path):
    file = tmp_path / "book.txt"
    file.write_bytes(b"a" * 100_000)

    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message")
        peer.send(call_id=call, status=native.Status(code=14, message="leaving"))
        while (frame := peer.read()).call_id == call:
            pass
        assert frame.WhichOneof("kind") == "open"
        call, received = frame.call_id, 0
        while (frame := peer.read()).WhichOneof("kind") == "message":
            received += len(inference.DocumentChunk.FromString(frame.message.payload).data)
        answer(peer, call, inference.DocumentEvent(final={"coverage": {"bytes_received": received}}))
        peer.send(call_id=call, status=native.Status())

    with talking(script, attempts=2) as client:
        (final,) = client.classify_document("guard", file)
        assert final.coverage.bytes_received == 100_000


@pytest.mark.parametrize("make", [
    lambda path: path, lambda path: path.read_bytes(), lambda path: path.read_text(), lambda path: path.open("rb"),
    lambda path: iter([path.read_bytes()])], ids=["path", "bytes", "text", "file", "iterator"])
def test_a_document_comes_from_wherever_it_is(talking, tmp_path, make):
    file = tmp_path / "book.txt"
    file.write_bytes(b"a" * 100_000)

    def script(peer):
        peer.shake_hands()
        serve_document(peer)

    with talking(script) as client:
        (final,) = client.classify_document("guard", make(file))
        assert (final.label, final.coverage.bytes_received) == ("SAFE", 100_000)


def test_what_a_documents_source_raises_comes_out_and_cancels_the_call(talking):
    def script(peer):
        peer.shake_hands()
        peer.expect("open"), peer.expect("message"), peer.expect("message"), peer.expect("cancel")

    def broken():
        yield b"first"
        raise KeyError("no more")

    with talking(script) as client, pytest.raises(KeyError):
        list(client.classify_document("guard", broken()))


def test_a_file_that_is_not_there_is_the_callers_error(talking, tmp_path):
    def script(peer):
        peer.shake_hands()
        peer.expect("open"), peer.expect("message"), peer.expect("cancel")

    with talking(script) as client, pytest.raises(FileNotFoundError):
        list(client.classify_document("guard", tmp_path / "none"))


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
                answer(peer, call, failed)
            else:
                answer(peer, call, inference.ClassifyStreamResponse(id=one.id, response={"model": {"version": 3}}))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        requests = [StreamRequest(str(number), "guard", ["text"]) for number in range(3)]
        answers = list(client.classify_stream(requests, unordered=True))
    assert [one.id for one in answers] == ["0", "1", "2"]
    assert answers[0].answer.model.version == 3 and answers[0].error is None
    assert (answers[1].error.code, answers[1].error.retry_after) == (8, 0.25) and answers[1].answer is None


def test_wrong_arguments_are_found_before_anything_is_sent(talking):
    with talking() as client:
        for arguments in [{"model": "guard@x"}, {"model": "guard:"}, {"overflow": "cut"}]:
            with pytest.raises(ValueError):
                client.classify(**{"model": "guard", "inputs": ["x"], **arguments})
        with pytest.raises(TypeError):
            client.classify("guard", "one text")


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "host:0", "host:70000", "[]:1"])
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
        answer(peer, call, models.ListModelsResponse(models=[{"name": "guard"}]))
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
            answer(peer, call, models.ListModelsResponse(models=[{"name": str(call)}]))
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
