"""Sorts the lines of a file by how much they mean the same as a question: cosine of their vectors."""

import sys

import martlet

LINES_PER_CALL = 64


def main(address: str, path: str, question: str) -> None:
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()]
    with martlet.Client(address, timeout=600) as client:
        vectors: list[tuple[float, ...]] = []
        for start in range(0, len(lines), LINES_PER_CALL):
            answer = client.embed("minilm", lines[start : start + LINES_PER_CALL], overflow="truncate_right")
            vectors += (result.values for result in answer.results)
        asked = client.embed("minilm", [question]).results[0].values
    scores = [sum(left * right for left, right in zip(asked, vector)) for vector in vectors]
    for score, line in sorted(zip(scores, lines), reverse=True):
        print(f"{score:.3f}  {line}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: find_similar.py ADDRESS FILE QUESTION")
    main(sys.argv[1], sys.argv[2], sys.argv[3])
