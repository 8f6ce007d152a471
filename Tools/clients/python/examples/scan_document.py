"""Looks for prompt injection in a long document: prints where the suspicious passages stand, then the verdict."""

import pathlib
import sys

import martlet


def main(address: str, path: str) -> None:
    with martlet.Client(address, timeout=600) as client:
        for event in client.classify_document("guard", pathlib.Path(path), aggregation="max", running=False):
            match event:
                case martlet.WindowResult(span=span, scores=(best, *_)) if best.label == "INJECTION":
                    print(f"bytes {span.byte_start}-{span.byte_end}: {best.label} {best.score:.3f}")
                case martlet.FinalVerdict() as final:
                    read = f"{final.coverage.bytes_classified} bytes in {final.windows} windows"
                    print(f"{final.label} {final.scores[0].score:.3f}, {read}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: scan_document.py ADDRESS FILE, such as 127.0.0.1:8970 book.txt")
    main(sys.argv[1], sys.argv[2])
