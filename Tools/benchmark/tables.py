"""Tables of the figures: aligned for a terminal, or in Markdown for BENCHMARKS.md."""

from __future__ import annotations

from dataclasses import dataclass

from .cells import PEERS, step_macs
from .encoder import FLOAT, Measured, Profile
from .judgement import Judged, group_title
from .mixed import MixedRow
from .workers import MARTLET

SHORT_NAMES = {
    "openvino-int8": "OpenVINO",
    "onnxruntime-int8": "onnxruntime",
    "ctranslate2-int8": "CTranslate2",
    FLOAT: "onnxruntime fp32",
}


@dataclass
class Table:
    title: str
    heads: list[str]
    rows: list[list[str]]
    words: int = 1  # leading columns of words; the others are numbers

    def text(self) -> str:
        lines = [self.heads, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.heads))]
        shown = [
            "  ".join(
                cell.ljust(width) if column < self.words else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *shown])

    def markdown(self) -> str:
        marks = ["---"] * self.words + ["---:"] * (len(self.heads) - self.words)
        lines = [self.heads, marks, *self.rows]
        return "\n".join([f"**{self.title}**", ""] + [f"| {' | '.join(line)} |" for line in lines])


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def targets_table(judged: list[Judged]) -> Table:
    rows = [[one.what, number(one.value), number(one.target), one.word] for one in judged]
    title = "Targets: how many times as fast as the peer, or the share of the peak"
    return Table(title, ["figure", "measured", "target", ""], rows)


def cell_tables(measured: list[Measured]) -> list[Table]:
    """For each model and number of threads a row a shape; the classifier's shapes in tables of their own."""
    groups: dict[tuple[str, int, str], list[Measured]] = {}
    for one in measured:
        groups.setdefault((one.cell.model, one.cell.threads, one.cell.graph), []).append(one)
    tables = []
    for (model, threads, graph), members in groups.items():
        peers = [peer for peer in PEERS if any(one.ratio(peer) is not None for one in members)]
        limit = f"{sum(members[0].peak) / len(members[0].peak):.0f} GMAC/s"
        heads = ["tokens x texts", "Martlet ms", "of peak", "limit ms"]
        rows = []
        for one in members:
            row = [one.cell.shape, number(one.median(MARTLET)), percent(one.peak_share), number(one.limit_ms)]
            for peer in peers:
                row += [number(one.median(peer) if peer in one.ms else None), number(one.ratio(peer))]
            rows.append(row)
        for peer in peers:
            heads += [f"{SHORT_NAMES[peer]} ms", "ratio"]
        kind = "classifier, shown only" if graph == "logits" else "mean of all rows"
        tables.append(Table(f"{group_title(model, threads)}, {kind}; int8 peak {limit}", heads, rows))
    return tables


def mixed_table(lengths: list[int], threads: int, rows: list[MixedRow]) -> Table:
    cells = [
        [
            row.title,
            "1" if row.streams == 1 else str(row.streams),
            str(row.tokens),
            number(row.martlet_ms),
            number(row.peer_ms),
            number(row.ratio),
        ]
        for row in rows
    ]
    title = f"Mixed lengths: {len(lengths)} texts, {sum(lengths)} tokens, MiniLM-L6, {threads} threads"
    return Table(title, ["peer", "streams", "tokens computed", "Martlet ms", "peer ms", "ratio"], cells)


def profile_table(profile: Profile) -> Table:
    total = sum(value for _, value in profile.steps)
    macs = step_macs(profile.model, profile.length)
    rows = []
    for step, value in profile.steps:
        share = macs[step] / 1e3 / value / profile.peak if step in macs and value > 0 and profile.peak else None
        rows.append([step, number(value), percent(value / total), "–" if share is None else percent(share)])
    rows.append(["sum", number(total), "100 %", percent(sum(macs.values()) / 1e3 / total / profile.peak)])
    title = f"Where Martlet's time goes: {group_title(profile.model, 1)}, {profile.length}x{profile.batch}"
    return Table(title, ["step", "us a token", "share", "of peak"], rows)


def own_table(rows: list[dict]) -> Table:
    """Rows of the modes that compare with a limit or with one peer."""
    words = {True: "holds", False: "MISSED", None: ""}
    cells = [
        [
            row["case"],
            f"{number(row['martlet'])} {row['unit']}",
            number(row.get("peer_value")),
            number(row.get("ratio")),
            number(row.get("target")),
            words[row.get("holds")],
        ]
        for row in rows
    ]
    heads = ["case", "Martlet", "limit or peer", "ratio", "target", ""]
    return Table("Protocols, overhead, documents and loads", heads, cells)
