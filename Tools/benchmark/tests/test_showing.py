import re
from xml.etree import ElementTree

import pytest
from benchmark.cells import Cell
from benchmark.encoder import Profile
from benchmark.judgement import judge_peers
from benchmark.machine import describe_machine
from benchmark.mixed import mixed_lengths
from benchmark.plot import Scale, ratio_plot
from benchmark.tables import Table, cell_tables, profile_table, targets_table
from cases import every_cell, measured

SVG = "{http://www.w3.org/2000/svg}"


def test_a_table_lines_up_in_a_terminal_and_has_all_cells_in_markdown():
    table = Table("Title", ["case", "ms"], [["a", "1.00"], ["longer", "100.0"]])
    assert table.text().splitlines() == ["Title", "case       ms", "a        1.00", "longer  100.0"]
    assert table.markdown().splitlines() == [
        "**Title**",
        "",
        "| case | ms |",
        "| --- | ---: |",
        "| a | 1.00 |",
        "| longer | 100.0 |",
    ]


def test_every_group_has_its_table_and_every_row_every_column():
    classifier = measured(Cell("minilm", 1, 16, 1, graph="logits"), [1.0], openvino_int8=[2.0])
    tables = cell_tables([*every_cell(), classifier])
    assert [len(table.rows) for table in tables] == [15, 15, 15, 15, 1]
    assert "classifier" in tables[-1].title
    for table in [*tables, targets_table(judge_peers(every_cell()))]:
        assert {len(row) for row in table.rows} == {len(table.heads)}


def test_a_profile_adds_up_to_its_sum():
    profile = Profile("minilm", 128, 8, [("norm", 10.0), ("feed-forward 2", 30.0)], peak=200.0)
    table = profile_table(profile)
    assert [row[2] for row in table.rows] == ["25 %", "75 %", "100 %"]
    # 6 layers of 384 x 1536 multiply-adds in 30 us, over 200 a nanosecond.
    assert [row[3] for row in table.rows][:2] == ["–", "59 %"]


def test_the_picture_is_well_formed_has_a_dot_a_cell_and_colours_for_dark_pages():
    text = ratio_plot(every_cell(), "2 cores of <something> & more")
    root = ElementTree.fromstring(text)
    dots = [dot for dot in root.iter(f"{SVG}circle") if dot.find(f"{SVG}title") is not None]
    assert len(dots) == 60
    width, height = (float(part) for part in root.get("viewBox").split()[2:])
    for dot in dots:
        assert 0 < float(dot.get("cx")) < width and 0 < float(dot.get("cy")) < height
    assert "prefers-color-scheme: dark" in text
    assert re.search(r"BERT-base 512x32, 2 threads: 1\.05 x OpenVINO int8", text)


def test_lengths_beyond_the_usual_ones_have_a_place_in_the_picture():
    one = measured(Cell("minilm", 1, 100, 4), [1.0], openvino_int8=[40.0])
    ElementTree.fromstring(ratio_plot([one], ""))
    with pytest.raises(ValueError):
        ratio_plot([measured(Cell("minilm", 1, 16, 1), [1.0])], "")


def test_the_axis_is_logarithmic_and_holds_one():
    scale = Scale([2.0, 8.0])
    assert scale.x(4) - scale.x(2) == pytest.approx(scale.x(8) - scale.x(4))
    assert 1 in scale.ticks


def test_mixed_lengths_are_the_same_every_time_and_have_the_stated_distribution():
    lengths = mixed_lengths(quick=False)
    assert lengths == mixed_lengths(quick=False) and mixed_lengths(quick=True) == lengths[:48]
    assert len(lengths) == 1000
    assert 3 <= min(lengths) and max(lengths) <= 512
    ordered = sorted(lengths)
    assert 19 <= ordered[500] <= 27 and 150 <= ordered[950] <= 230


def test_a_machine_is_described_by_what_its_processor_says(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("cpu family : 25\nmodel : 17\nmodel name : A CPU\nflags : fpu avx2 avx512_vnni\n\nmodel : 99\n")
    assert describe_machine(path).endswith("cores of A CPU (family 25 model 17; AVX2, AVX512-VNNI)")
