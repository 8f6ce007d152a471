"""Asks a Martlet server from a shell: python -m martlet --help"""

from __future__ import annotations

import argparse
import os
import sys

from google.protobuf.json_format import MessageToJson

from martlet.client import Client, MartletError


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m martlet", description="Asks a Martlet server; prints JSON lines.")
    address = os.environ.get("MARTLET_ADDRESS", "127.0.0.1:8970")
    result.add_argument(
        "--address", default=address, help="host:port or unix:/path (MARTLET_ADDRESS, here %(default)s)")
    result.add_argument("--model", default="guard", help="name, name@version or name:label (default %(default)s)")
    result.add_argument("--timeout", type=float, default=60.0, help="seconds for the call (default %(default)s)")
    commands = result.add_subparsers(dest="command", required=True)
    classify = commands.add_parser("classify", help="classify texts")
    classify.add_argument("texts", nargs="+", metavar="text")
    document = commands.add_parser("document", help="classify a UTF-8 file as a stream; - reads standard input")
    document.add_argument("file")
    commands.add_parser("models", help="list what the server serves")
    commands.add_parser("ping", help="time a round trip")
    return result


def run(arguments: argparse.Namespace) -> None:
    def show(message: object) -> None:
        print(MessageToJson(message, preserving_proto_field_name=True, indent=None), flush=True)

    with Client(arguments.address) as client:
        if arguments.command == "classify":
            show(client.classify(arguments.model, arguments.texts, timeout=arguments.timeout))
        elif arguments.command == "document":
            with open(0 if arguments.file == "-" else arguments.file, "rb") as file:
                for event in client.classify_document(arguments.model, file, timeout=arguments.timeout):
                    show(event)
        elif arguments.command == "models":
            for status in client.list_models(timeout=arguments.timeout):
                show(status)
        else:
            print(f'{{"seconds": {client.ping(timeout=arguments.timeout):.6f}}}')


def main() -> int:
    arguments = parser().parse_args()
    try:
        run(arguments)
    except MartletError as error:
        print(f"martlet: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"martlet: {arguments.address}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
