"""Asks a Martlet server from a shell: python -m martlet --help"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import sys

from martlet.client import Client
from martlet.errors import MartletError


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m martlet", description="Asks a Martlet server; prints JSON lines.")
    address = os.environ.get("MARTLET_ADDRESS", "127.0.0.1:8970")
    result.add_argument(
        "--address", default=address, help="host:port or unix:/path (MARTLET_ADDRESS, here %(default)s)")
    result.add_argument("--transport", choices=["native", "grpc"], default="native", help="default: %(default)s")
    result.add_argument("--model", default="guard", help="name, name@version or name:label (default %(default)s)")
    result.add_argument("--timeout", type=float, default=60.0, help="seconds for the call (default %(default)s)")
    commands = result.add_subparsers(dest="command", required=True)
    for name, what in [("classify", "classify texts"), ("embed", "vectors of texts"), ("tokenize", "tokens of texts")]:
        commands.add_parser(name, help=what).add_argument("texts", nargs="+", metavar="text")
    document = commands.add_parser("document", help="classify a UTF-8 file as a stream; - reads standard input")
    document.add_argument("file")
    commands.add_parser("models", help="list what the server serves")
    commands.add_parser("server", help="what the server is and allows")
    commands.add_parser("ping", help="time a round trip")
    return result


def show(value: object) -> None:
    assert dataclasses.is_dataclass(value) and not isinstance(value, type)
    print(json.dumps(dataclasses.asdict(value), ensure_ascii=False), flush=True)


def run(arguments: argparse.Namespace) -> None:
    with Client(arguments.address, transport=arguments.transport, timeout=arguments.timeout) as client:
        match arguments.command:
            case "classify":
                show(client.classify(arguments.model, arguments.texts))
            case "embed":
                show(client.embed(arguments.model, arguments.texts))
            case "tokenize":
                show(client.tokenize(arguments.model, arguments.texts))
            case "document":
                source = sys.stdin.buffer if arguments.file == "-" else pathlib.Path(arguments.file)
                for event in client.classify_document(arguments.model, source):
                    show(event)
            case "models":
                for status in client.list_models():
                    show(status)
            case "server":
                show(client.server())
            case _:
                print(f'{{"seconds": {client.ping():.6f}}}')


def main() -> int:
    arguments = parser().parse_args()
    try:
        run(arguments)
    except (MartletError, ValueError) as error:
        print(f"martlet: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"martlet: {arguments.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
