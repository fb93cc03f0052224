"""Bar charts of a report's rows: one SVG per problem, time per item on a logarithmic axis, weft highlighted."""
import math
from xml.sax.saxutils import escape

ROW, LEFT, WIDTH = 22, 190, 560
COLOURS = {"weft": "#c2410c", "": "#64748b"}


def bars(name, rows):
    rows = sorted(rows, key=lambda row: (row["loops"], row["median_ns"]))
    low = math.floor(math.log10(min(row["median_ns"] for row in rows)) - 0.3)
    high = math.ceil(math.log10(max(row["max_ns"] for row in rows)))
    scale = lambda ns: LEFT + WIDTH * (math.log10(ns) - low) / (high - low)
    height = ROW * (len(rows) + 3)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 110}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="16" font-weight="bold">{escape(name)}: ns per {escape(rows[0]["item"])}, less is better</text>',
    ]
    for power in range(low, high + 1):
        x = scale(10.0**power)
        parts.append(f'<path d="M{x:.1f} {ROW}V{height - ROW}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle" fill="#475569">{10.0**power:g}</text>')
    for i, row in enumerate(rows):
        y = ROW * (i + 1.5)
        x = scale(row["median_ns"])
        colour = COLOURS.get(row["framework"], COLOURS[""])
        label = f'{row["framework"]}, {row["loops"]} loop{"s" if row["loops"] > 1 else ""}'
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y + 3}" width="{x - LEFT:.1f}" height="{ROW - 8}" fill="{colour}"/>')
        spread = f'M{scale(row["min_ns"]):.1f} {y + 10}H{scale(row["max_ns"]):.1f}'
        parts.append(f'<path d="{spread}" stroke="#0f172a"/>')
        parts.append(f'<text x="{max(x, scale(row["max_ns"])) + 6:.1f}" y="{y + 13}">{row["median_ns"]:.4g}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def draw(rows):
    """Yields (problem, svg)."""
    for name in dict.fromkeys(row["problem"] for row in rows):
        yield name, bars(name, [row for row in rows if row["problem"] == name])
