"""Labels every line of a file, as fast as the server goes: one call, many requests in flight, answers in order."""

import asyncio
import sys
from collections.abc import Iterator

import martlet


def requests(lines: list[str]) -> Iterator[martlet.StreamRequest]:
    for number, line in enumerate(lines):
        yield martlet.StreamRequest(str(number), "guard", [line], overflow="truncate_right", top_k=1)


async def main(address: str, path: str) -> None:
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.strip()]
    async with martlet.AsyncClient(address) as client:
        async for one in client.classify_stream(requests(lines)):
            label = one.answer.results[0].label if one.answer else f"failed: {one.error}"
            print(f"{label}\t{lines[int(one.id)]}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: label_lines.py ADDRESS FILE, such as 127.0.0.1:8970 lines.txt")
    asyncio.run(main(sys.argv[1], sys.argv[2]))
