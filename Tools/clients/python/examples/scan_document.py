"""Looks for prompt injection in a long document: prints where the suspicious passages stand, then the verdict."""

import sys

from martlet import Client


def main(address: str, path: str) -> None:
    with Client(address) as client, open(path, "rb") as document:
        for event in client.classify_document("guard", document, aggregation="AGGREGATION_MAX", omit_running=True):
            if event.HasField("window"):
                best, span = event.window.scores[0], event.window.span
                if best.label == "INJECTION":
                    print(f"bytes {span.byte_start}-{span.byte_end}: {best.label} {best.score:.3f}")
            elif event.HasField("final"):
                final = event.final
                read = f"{final.coverage.bytes_classified} bytes in {final.windows} windows"
                print(f"{final.label} {final.scores[0].score:.3f}, {read}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: scan_document.py ADDRESS FILE, such as 127.0.0.1:8970 book.txt")
    main(sys.argv[1], sys.argv[2])
