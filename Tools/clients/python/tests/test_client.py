"""The client against a scripted server. The name of each test is the sentence it proves."""

import contextlib
import io
import sys

import pytest

from martlet import Client, MartletError, __main__
from martlet.v1 import inference_pb2 as inference
from martlet.v1 import models_pb2 as models
from martlet.v1 import native_pb2 as native
from scripted_server import Peer, ScriptedServer


@contextlib.contextmanager
def talking(script, **options):
    server = ScriptedServer(script, **options)
    with Client(server.address) as client:
        yield client
    server.finish()


def answer(peer: Peer, call: int, message) -> None:
    peer.send(call_id=call, message=native.Message(payload=message.SerializeToString()))


def serve_one_classify(peer: Peer) -> None:
    peer.shake_hands()
    opened = peer.expect("open")
    request = inference.ClassifyRequest.FromString(peer.expect("message").message.payload)
    peer.expect("half_close")
    results = [inference.TextResult(scores=[{"label": i.text, "score": 0.5}]) for i in request.inputs]
    answer(peer, opened.call_id, inference.ClassifyResponse(model={"name": request.model.name}, results=results))
    peer.send(call_id=opened.call_id, status=native.Status())


def test_classify_sends_one_message_and_reads_one_answer():
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


def test_calls_go_over_a_unix_socket_too(tmp_path):
    with talking(serve_one_classify, unix_path=str(tmp_path / "s")) as client:
        assert client.classify("guard@3", ["x"]).model.name == "guard"


def test_a_status_becomes_an_exception_with_code_and_hint_and_the_connection_goes_on():
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


def test_a_deadline_cancels_the_call():
    def script(peer):
        peer.shake_hands()
        peer.expect("open"), peer.expect("message"), peer.expect("half_close"), peer.expect("cancel")

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.get_model("guard", timeout=0.05)
    assert caught.value.code == 4


def test_a_document_respects_the_servers_credit():
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
        assert events[-1].final.label == "SAFE"


def test_events_are_granted_again_only_once_they_are_used():
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


def test_events_arrive_while_the_document_is_still_sent():
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
        assert [e.window.index for e in events] == list(range(1, len(events) + 1))
        assert len(events) == 1 + -(-3_000_000 // 32768)


def test_closing_the_generator_cancels_and_the_client_goes_on():
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
        with pytest.raises(RuntimeError):
            client.list_models()
        events.close()
        assert client.get_model("guard").name == "guard"


def test_an_early_verdict_ends_the_document():
    def script(peer):
        peer.shake_hands(credit=1000)
        call = peer.expect("open").call_id
        peer.expect("message")
        answer(peer, call, inference.DocumentEvent(final={"stopped_early": True}))
        peer.send(call_id=call, status=native.Status())
        with contextlib.suppress(EOFError):  # closing with unread bytes would reset the connection under the verdict
            while True:
                peer.read()

    with talking(script) as client:
        assert list(client.classify_document("guard", b"x" * 100_000))[-1].final.stopped_early


def test_ping_is_answered_and_asked():
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
def test_a_go_away_that_concerns_the_call_ends_it(goodbye, code):
    def script(peer):
        peer.shake_hands()
        peer.expect("open")
        peer.send(go_away=native.GoAway(**goodbye))

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.list_models()
    assert caught.value.code == code


def test_a_drain_lets_the_call_in_flight_end():
    def script(peer):
        peer.shake_hands()
        call = peer.expect("open").call_id
        peer.expect("message"), peer.expect("half_close")
        peer.send(go_away=native.GoAway(last_call_id=call))
        answer(peer, call, models.ListModelsResponse(models=[{"name": "guard"}]))
        peer.send(call_id=call, status=native.Status())

    with talking(script) as client:
        assert [m.name for m in client.list_models()] == ["guard"]


def test_a_message_above_the_servers_limit_is_refused_here():
    def script(peer):
        peer.shake_hands(message_bytes_max=5000)
        peer.expect("open"), peer.expect("cancel")

    with talking(script) as client, pytest.raises(MartletError) as caught:
        client.classify("guard", ["x" * 6000])
    assert caught.value.code == 8


@pytest.mark.parametrize("junk", [
    b"HTTP/1.1 400", b"MARTLET1\x80\0\0\0\0", b"MARTLET1\0\xff\xff\xff\xff", b"MARTLET1\0\0\0\0\1\xff", b"MART"])
def test_a_server_that_speaks_something_else_is_an_error(junk):
    server = ScriptedServer(lambda peer: peer.connection.sendall(junk))
    with pytest.raises(MartletError):
        Client(server.address)
    server.finish()


def test_the_command_line_prints_json_and_exits_with_1_on_errors(monkeypatch, capsys):
    server = ScriptedServer(serve_one_classify)
    monkeypatch.setattr(sys, "argv", ["martlet", "--address", server.address, "classify", "hello"])
    assert __main__.main() == 0
    server.finish()
    assert '"label": "hello"' in capsys.readouterr().out
    assert __main__.main() == 1
    assert "martlet: 127.0.0.1" in capsys.readouterr().err
