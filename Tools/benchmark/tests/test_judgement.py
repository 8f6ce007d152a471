import pytest
from benchmark.cells import Cell
from benchmark.judgement import geometric_mean, judge_mixed, judge_peak, judge_peers
from benchmark.mixed import ARRIVAL, ONE_BY_ONE, SORTED, MixedRow
from cases import every_cell, measured


def test_the_geometric_mean_treats_twice_and_half_as_equal_and_refuses_nothing():
    assert geometric_mean([2, 0.5]) == pytest.approx(1)
    assert geometric_mean([1, 10, 100]) == pytest.approx(10)
    with pytest.raises(ValueError):
        geometric_mean([])


def test_a_ratio_is_the_median_of_the_turns_not_the_ratio_of_medians():
    one = measured(Cell("minilm", 1, 16, 1), [1, 10, 2], openvino_int8=[3, 20, 4])
    assert one.ratio("openvino-int8") == 2
    assert one.ratio("ctranslate2-int8") is None


def test_a_full_encoder_has_the_multiply_adds_of_its_layers_and_attention():
    assert Cell("minilm", 1, 16, 1).gmacs == pytest.approx(0.171, abs=5e-4)
    assert Cell("base", 2, 512, 8).gmacs == pytest.approx(387, abs=0.5)


def test_the_share_of_the_peak_counts_every_turn_with_its_own_peak():
    cell = Cell("minilm", 1, 128, 8)
    one = measured(cell, [10, 20])
    one.peak = [1e3 * cell.gmacs / 8, 1e3 * cell.gmacs / 16]
    assert one.peak_share == pytest.approx(0.8)
    judged = {line.what: line for line in judge_peak([one])}
    assert judged["share of the int8 peak, MiniLM-L6 128x8, 1 thread"].word == "holds"


def test_the_worst_cell_is_named_and_missed_although_the_mean_holds():
    judged = judge_peers(every_cell())
    mean, worst, short_mean, short_worst = judged
    assert mean.what == "OpenVINO int8: geometric mean of 60 cells"
    assert mean.value == pytest.approx(1.5 * (1.05 / 1.5) ** (1 / 60)) and mean.holds
    assert worst.what == "OpenVINO int8: worst, BERT-base 512x32, 2 threads"
    assert worst.value == pytest.approx(1.05) and worst.word == "MISSED"
    assert short_mean.what.endswith("geometric mean of 8 cells") and short_mean.word == "MISSED"
    assert short_worst.value == pytest.approx(1.5) and short_worst.word == "holds"


def test_the_classifier_is_not_judged():
    cell = Cell("minilm", 1, 16, 1, graph="logits")
    assert judge_peers([measured(cell, [1.0], openvino_int8=[9.0])]) == []


def test_mixed_traffic_is_judged_by_the_fastest_peer():
    rows = [
        MixedRow("openvino-int8", ONE_BY_ONE, 1, 1000, 3000, 10, 3.0),
        MixedRow("onnxruntime-int8", SORTED, 2, 1000, 1700, 10, 1.7),
        MixedRow("openvino-int8", ARRIVAL, 1, 1000, 14_000, 10, 14.0),
        MixedRow("ctranslate2-int8", ARRIVAL, 1, 1000, 20_000, 10, 20.0),
    ]
    online, arrival = judge_mixed(rows)
    assert "onnxruntime int8 dynamic, padded 32, sorted" in online.what and online.word == "MISSED"
    assert (arrival.value, arrival.word) == (14.0, "holds")
