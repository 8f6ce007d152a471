"""A loss of power: the states that a scenario's run may leave on the disk, and what must hold of each.

A state is a point as a fault is: the power goes after so many operations, and some that were not forced by then are not
there in whole. `power 12: 1=none,9=torn512` says that it went after the first 12, of which number 1, counted from 0, is
lost, and number 9 broke off after 512 bytes; `disk` says what else may become of one, and what never may.
"""

import itertools
import math
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from disk import NONE, WHOLE, Change, Disk, Force
from injection import Point
from recording import Recording
from scenarios import Scenario

CALL = "power"
# States at one cut; drawn where there are more.
STATES_MAX = 1024
# Of what may become of one operation: so much is tried with all others whole, and with all others lost.
VARIANTS_MAX = 6

# By the number of an operation: what is left of it. The others are whole.
Left = dict[int, str]


@dataclass
class States:
    """Of a recording: those that are tried, each once, and in how many ways the power may go, equal ends counted."""

    recording: Recording
    points: list[Point]
    possible: int


def states(recording: Recording, drawn: random.Random, most: int = STATES_MAX) -> States:
    """At most about `most` at each cut."""
    found = States(recording, [], 0)
    seen: set[tuple[bytes, bool]] = set()
    for cut in cuts(recording):
        kinds = {number: change.variants() for number, change in pending(recording, cut).items()}
        found.possible += math.prod(1 + len(some) for some in kinds.values())
        for left in choices(kinds, drawn, most):
            words = ",".join(f"{number}={kind}" for number, kind in sorted(left.items()))
            point = Point(CALL, cut, words or WHOLE)
            key = disk_left(recording, point).digest(), is_told(recording, point)
            if key not in seen:
                seen.add(key)
                found.points.append(point)
    return found


def cuts(recording: Recording) -> list[int]:
    """Numbers of operations after which the power goes: those that leave every state that any number does.

    An operation only adds to what may be left, unless it forces something; and what must be there is more once the
    success was told. So it is enough to cut before each that forces, before the success, and at the end.
    """
    forces = [number for number, operation in enumerate(recording.operations) if isinstance(operation, Force)]
    return sorted({*forces, recording.told - 1, len(recording.operations)} - {-1})


def pending(recording: Recording, cut: int) -> dict[int, Change]:
    """The operations before `cut` that may be lost there, by number."""
    begun = recording.operations[:cut]
    forces = [operation for operation in begun if isinstance(operation, Force)]

    def is_forced(number: int, node: int) -> bool:
        return any(force.begun > number and force.node in (node, None) for force in forces)

    return {
        number: operation for number, operation in enumerate(begun)
        if isinstance(operation, Change) and not all(is_forced(number, node) for node in operation.forced_by)
    }


def choices(kinds: dict[int, list[str]], drawn: random.Random, most: int) -> list[Left]:
    """Of what may be left of each operation besides the whole: all combinations, or at most about `most`."""
    if math.prod(1 + len(some) for some in kinds.values()) <= most:
        each = itertools.product(*([WHOLE, *some] for some in kinds.values()))
        return [without_whole(dict(zip(kinds, one))) for one in each]
    found = {tuple(left.items()): left for left in corners(kinds, drawn)}
    # Of few operations with many variants the same may be drawn again and again.
    for _ in range(4 * most):
        if len(found) >= most:
            break
        left = without_whole({number: drawn_kind(some, drawn) for number, some in kinds.items()})
        found[tuple(left.items())] = left
    return list(found.values())


def corners(kinds: dict[int, list[str]], drawn: random.Random) -> Iterator[Left]:
    """The first so many and nothing after them; all but one; one alone."""
    numbers = list(kinds)
    for count in range(len(numbers) + 1):
        yield {number: NONE for number in numbers[count:]}
    for number, some in kinds.items():
        few = some if len(some) <= VARIANTS_MAX else [*some[:2], *drawn.sample(some[2:], VARIANTS_MAX - 2)]
        for kind in [WHOLE, *few]:
            yield without_whole({number: kind})
            yield without_whole({other: kind if other == number else NONE for other in numbers})


def drawn_kind(some: list[str], drawn: random.Random) -> str:
    # A name is seldom lost: then it makes no difference what became of what it named.
    return drawn.choice([WHOLE, WHOLE, WHOLE, NONE] if some == [NONE] else [WHOLE, drawn.choice(some)])


def without_whole(left: Left) -> Left:
    return {number: kind for number, kind in left.items() if kind != WHOLE}


def left_of(point: Point) -> Left:
    if point.fault == WHOLE:
        return {}
    return {int(number): kind for number, _, kind in (word.partition("=") for word in point.fault.split(","))}


def disk_left(recording: Recording, point: Point) -> Disk:
    disk = recording.start.copy()
    left = left_of(point)
    for number, operation in enumerate(recording.operations[: point.number]):
        if isinstance(operation, Change):
            operation.apply(disk, left.get(number, WHOLE))
    return disk


def is_told(recording: Recording, point: Point) -> bool:
    return point.number >= recording.told


def problems(scenario: Scenario, recording: Recording, folder: Path, point: Point, restarts: bool) -> list[str]:
    """What does not hold of the state `point`, which is made in `folder`.

    `restarts`: whether the program is started on it too; else only what lies there is compared.
    """
    open_there = pending(recording, point.number)
    if wrong := [number for number, kind in left_of(point).items()
                 if number not in open_there or kind not in open_there[number].variants()]:
        return [f"what becomes of {wrong} is nothing that a loss of power may do there"]
    scenario.prepare(folder)
    place = scenario.disk(folder)
    shutil.rmtree(place)
    disk_left(recording, point).build(place)
    found = scenario.left_problems(folder, is_told(recording, point))
    if restarts:
        found += scenario.restart_problems(folder, is_copy=True)
    return [f"{problem}\n{described(recording, point)}" for problem in found]


def described(recording: Recording, point: Point) -> str:
    """The state in words."""
    after = recording.operations[point.number - 1].text if point.number else "nothing"
    when = "after the success was told" if is_told(recording, point) else "before the success was told"
    lines = [f"the power went after {point.number} operations, the last: {after}; {when}"]
    for number, kind in sorted(left_of(point).items()):
        lines.append(f"    {number} is {'lost' if kind == NONE else kind}: {recording.operations[number].text}")
    return "\n".join(f"        {line}" for line in lines)
