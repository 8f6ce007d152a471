"""The ratios as a picture: one dot a cell, grouped by peer, readable on light and dark pages. Plain SVG."""

from __future__ import annotations

import math
from html import escape

from .cells import BATCHES, LENGTHS, PEER_TARGETS, PEERS, Cell
from .encoder import Measured
from .judgement import geometric_mean, group_title

WIDTH, LEFT, RIGHT, TOP = 960, 200, 24, 116
STRIP, GAP, HEAD = 52, 18, 24  # height of one model's and thread count's strip, between peers, of a peer's name
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; }
.peer { font-weight: 600; }
.faint { fill: #59636e; font-size: 12px; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.one { stroke: #59636e; stroke-width: 1.5; }
.target { stroke: #9a6700; stroke-width: 1.5; stroke-dasharray: 4 3; }
.target-word { fill: #9a6700; font-size: 12px; }
.mean { stroke: #1f2328; stroke-width: 2.5; }
.strip { fill: #818b98; fill-opacity: 0.08; }
.dot { fill-opacity: 0.85; stroke-width: 0.75; stroke: #ffffff; }
.batch-0 { fill: #0969da; } .batch-1 { fill: #bc4c00; } .batch-2 { fill: #1a7f37; } .batch-3 { fill: #8250df; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .faint { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .one { stroke: #9198a1; }
  .target { stroke: #d29922; } .target-word { fill: #d29922; }
  .mean { stroke: #f0f6fc; }
  .dot { stroke: #0d1117; }
  .batch-0 { fill: #4493f8; } .batch-1 { fill: #f0883e; } .batch-2 { fill: #3fb950; } .batch-3 { fill: #ab7df8; }
}
"""
TICKS = [0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32]


class Scale:
    """Ratios on a logarithmic axis."""

    def __init__(self, ratios: list[float]) -> None:
        low, high = min([*ratios, 1.0]) * 0.92, max([*ratios, 2.0]) * 1.08
        self.low, self.span = math.log(low), math.log(high) - math.log(low)
        self.ticks = [tick for tick in TICKS if low <= tick <= high]

    def x(self, ratio: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log(ratio) - self.low) / self.span


def place(value: int, known: list[int]) -> int:
    """Position among the usual values; values of one's own come after them."""
    return known.index(value) if value in known else len(known)


def dot_style(cell: Cell) -> tuple[str, float]:
    """Colour tells the batch; in a strip the shortest texts stand highest and are drawn smallest."""
    return f"dot batch-{place(cell.batch, BATCHES)}", 3.2 + 0.55 * place(cell.length, LENGTHS)


def strip(scale: Scale, y: float, title: str, peer: str, members: list[Measured]) -> list[str]:
    parts = [
        f'<rect class="strip" x="{LEFT}" y="{y:.1f}" width="{WIDTH - LEFT - RIGHT}" height="{STRIP - 4}" rx="3"/>',
        f'<text class="faint" x="{LEFT - 10}" y="{y + STRIP / 2 + 2:.1f}" text-anchor="end">{escape(title)}</text>',
    ]
    for one in members:
        ratio = one.ratio(peer)
        kind, radius = dot_style(one.cell)
        height = y + 7 + (STRIP - 18) * place(one.cell.length, LENGTHS) / len(LENGTHS[:-1])
        parts.append(
            f'<circle class="{kind}" cx="{scale.x(ratio):.1f}" cy="{height:.1f}" r="{radius:.1f}">'
            f"<title>{escape(one.cell.title)}: {ratio:.2f} x {escape(PEERS[peer])}</title></circle>"
        )
    x = scale.x(geometric_mean(one.ratio(peer) for one in members))
    parts.append(f'<line class="mean" x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{y + STRIP - 4:.1f}"/>')
    return parts


def legend() -> list[str]:
    parts, x = [], LEFT
    for index, batch in enumerate(BATCHES):
        parts.append(f'<circle class="dot batch-{index}" cx="{x + 6}" cy="48" r="5"/>')
        parts.append(f'<text class="faint" x="{x + 16}" y="52">batch {batch}</text>')
        x += 84
    parts.append(f'<text class="faint" x="{x + 4}" y="52">upright line: geometric mean of the strip</text>')
    words = f"in each strip from top to bottom: {', '.join(map(str, LENGTHS))} tokens a text"
    parts.append(f'<text class="faint" x="{LEFT}" y="74">{words}</text>')
    return parts


def ratio_plot(measured: list[Measured], machine: str) -> str:
    """SVG of all cells of equal work.

    - Raises ValueError: there is no cell with a peer."""
    cells = [one for one in measured if one.cell.graph == "mean"]
    peers = [peer for peer in PEERS if any(one.ratio(peer) is not None for one in cells)]
    if not peers:
        raise ValueError("nothing to plot")
    scale = Scale([one.ratio(peer) for one in cells for peer in peers if one.ratio(peer) is not None])
    targets = {target.peer: target for target in PEER_TARGETS if not target.only_short}
    body: list[str] = []
    y = float(TOP)
    for peer in peers:
        groups: dict[tuple[str, int], list[Measured]] = {}
        for one in cells:
            if one.ratio(peer) is not None:
                groups.setdefault((one.cell.model, one.cell.threads), []).append(one)
        body.append(f'<text class="peer" x="{LEFT}" y="{y + 15:.1f}">{escape(PEERS[peer])}</text>')
        top = y = y + HEAD
        for (model, threads), members in groups.items():
            body += strip(scale, y, group_title(model, threads), peer, members)
            y += STRIP
        if peer in targets:
            x = scale.x(targets[peer].mean)
            body.append(f'<line class="target" x1="{x:.1f}" y1="{top - 4:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>')
            word = f"dashed: target of the mean, {targets[peer].mean:g} x"
            edge = WIDTH - RIGHT
            body.append(f'<text class="target-word" x="{edge}" y="{top - 8:.1f}" text-anchor="end">{word}</text>')
        y += GAP
    grid = []
    for tick in scale.ticks:
        kind, x = "one" if tick == 1 else "grid", scale.x(tick)
        grid.append(f'<line class="{kind}" x1="{x:.1f}" y1="{TOP - 12}" x2="{x:.1f}" y2="{y - GAP:.1f}"/>')
        grid.append(f'<text class="faint" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{tick:g} x</text>')
    height = y + 10
    title = "Martlet's speed as a multiple of each peer's: right of 1 x Martlet is faster"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
            *legend(),
            *grid,
            *body,
            f'<text class="faint" x="{LEFT}" y="{y:.1f}">{escape(machine)}</text>',
            "</svg>",
            "",
        ]
    )
