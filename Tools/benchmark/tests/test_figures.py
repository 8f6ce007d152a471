import json

from benchmark.cells import Cell
from benchmark.encoder import Profile
from benchmark.figures import Figures
from benchmark.mixed import ARRIVAL, ARRIVAL_TEXTS, ONE_BY_ONE, MixedRace, MixedRow
from cases import measured


def test_every_row_is_in_the_file_as_soon_as_it_is_there(tmp_path):
    figures = Figures("a machine", tmp_path / "figures.json")
    figures.add(measured(Cell("minilm", 1, 16, 1), [1.0], openvino_int8=[2.0]))
    held = json.loads(figures.file.read_text())
    assert held["cells"][0]["ratios"] == {"openvino-int8": 2.0} and held["targets"]
    figures.add(Profile("minilm", 16, 1, [("norm", 10.0)], peak=200.0))
    figures.add(MixedRow("openvino-int8", ONE_BY_ONE, 1, 1000, 3000, 10, 3.0))
    figures.add({"case": "load", "martlet": 1})
    held = json.loads(figures.file.read_text())
    assert [len(held[part]) for part in ("cells", "profiles", "mixed", "rows")] == [1, 1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_without_a_file_rows_are_only_shown():
    figures = Figures("a machine")
    figures.add(measured(Cell("minilm", 1, 16, 1), [1.0], openvino_int8=[2.0]))
    assert [table.title for table in figures.tables()][1].startswith("MiniLM-L6, 1 thread")


class Passes:
    """An engine that takes so many milliseconds a text, one after the other of those given in the last passes."""

    def __init__(self, *ms: float) -> None:
        self.ms, self.asked = list(ms), []

    def ask(self, order: dict) -> dict:
        self.asked.append(len(order["mixed"]))
        ms = self.ms.pop(0) if len(self.ms) > 1 else self.ms[0]
        return {"ms": ms * len(order["mixed"]), "tokens": sum(order["mixed"])}


def test_a_peer_takes_its_better_use_of_the_threads_and_its_better_turn():
    martlet, together, streams = Passes(1.0), Passes(5.0), Passes(4.0, 9.0, 3.0)
    race = MixedRace([10] * 1000, martlet, {2: together, 1: streams}, quick=False)
    row = race.run("openvino-int8", ONE_BY_ONE)
    assert (row.streams, row.ratio, row.peer_ms, row.tokens) == (1, 3.0, 3000.0, 10_000)
    assert together.asked == [256] and streams.asked == [256, 1000, 1000]


def test_arrival_order_is_measured_on_as_many_texts_by_both():
    martlet, peer = Passes(1.0), Passes(13.0)
    row = MixedRace([10] * 1000, martlet, {1: peer}, quick=False).run("openvino-int8", ARRIVAL)
    assert set(martlet.asked + peer.asked) == {ARRIVAL_TEXTS} and row.ratio == 13.0
