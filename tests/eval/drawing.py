"""The calibration picture, as SVG by hand: how sure against how often right, a line per language, a dot as large as its texts are many."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

SIZE, EDGE = 360, 44
COLOURS = ("#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d")


def calibration_svg(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The picture; on the diagonal the answers are as often right as they say."""
    low, high = EDGE, SIZE - 12

    def at(share: float) -> float:
        return round(low + (high - low) * share, 1)

    def up(share: float) -> float:
        return round(SIZE - at(share), 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE + 50} {SIZE}" width="{SIZE + 50}" height="{SIZE}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{SIZE + 50}" height="{SIZE}" fill="white"/>',
        f'<line x1="{at(0)}" y1="{up(0)}" x2="{at(1)}" y2="{up(1)}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<path d="M{at(0)} {up(1)}V{up(0)}H{at(1)}" fill="none" stroke="#333"/>',
        f'<text x="{at(0.5)}" y="{SIZE - 8}" text-anchor="middle">sure</text>',
        f'<text x="12" y="{up(0.5)}" text-anchor="middle" transform="rotate(-90 12 {up(0.5)})">right</text>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        lines.append(f'<text x="{at(tick)}" y="{up(0) + 14}" text-anchor="middle">{tick:g}</text>')
        lines.append(f'<text x="{at(0) - 6}" y="{up(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for place, ((name, curve), colour) in enumerate(zip(curves.items(), COLOURS, strict=False)):
        points = " ".join(f"{at(one['sure'])},{up(one['right'])}" for one in curve)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        lines += [
            f'<circle cx="{at(one["sure"])}" cy="{up(one["right"])}" r="{round(1 + math.sqrt(one["texts"]) / 2, 1)}" '
            f'fill="{colour}" fill-opacity="0.6"/>'
            for one in curve
        ]
        lines.append(f'<text x="{SIZE}" y="{20 + 16 * place}" fill="{colour}">{name}</text>')
    return "\n".join([*lines, "</svg>", ""])
