"""Documents of both clients, sent to a scripted server."""

import io

import pytest

from martlet.v1 import inference_pb2 as inference
from martlet.v1 import models_pb2 as models
from martlet.v1 import native_pb2 as native
from scripted_server import Peer


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
        peer.answer(call, inference.DocumentEvent(final={"label": "SAFE"}))
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
                peer.answer(call, event)
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
            peer.answer(call, inference.DocumentEvent(window={"index": frames}))
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
        peer.answer(call, inference.DocumentEvent(window={}))
        while peer.read().WhichOneof("kind") != "cancel":
            pass
        peer.answer(call, inference.DocumentEvent(window={}))  # crossed the cancel: to be ignored
        peer.send(call_id=call, status=native.Status(code=1))
        call = peer.expect("open").call_id
        assert call == 2
        peer.expect("message"), peer.expect("half_close")
        peer.answer(call, models.ModelStatus(name="guard"))
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
        peer.answer(call, inference.DocumentEvent(final={"stopped_early": True}))
        peer.send(call_id=call, status=native.Status())
        peer.read_to_end()

    with talking(script) as client:
        assert list(client.classify_document("guard", b"x" * 100_000))[-1].stopped_early


def serve_document(peer: Peer) -> None:
    call = peer.expect("open").call_id
    received = 0
    while (frame := peer.read()).WhichOneof("kind") == "message":
        received += len(inference.DocumentChunk.FromString(frame.message.payload).data)
    peer.answer(call, inference.DocumentEvent(final={"label": "SAFE", "coverage": {"bytes_received": received}}))
    peer.send(call_id=call, status=native.Status())


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
