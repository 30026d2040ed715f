"""Charts as SVG text: sharp at any size, in the colours of the page around them, light or dark."""

import html
import math

import numpy as np

# Okabe and Ito 2008, as in logo_keras.image.draw; the yellow is left out, it fades on white.
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2")
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'


def curves(series, x_label, y_label, y_range=None):
    """Draws lines with their points.

    Args:
        series: dict, name to `(xs, ys)`, two lists of float of the same length; points that are no number are left out.
        x_label: str.
        y_label: str.
        y_range: two floats, or None for what the points span, from 0 on where none is negative.

    Returns:
        str, an `<svg>` element with text in `currentColor`.

    Raises:
        ValueError: if there is nothing to draw.
    """
    points = {
        name: [(x, y) for x, y in zip(*pair, strict=True) if math.isfinite(x) and math.isfinite(y)]
        for name, pair in series.items()
    }
    every = np.array([point for line in points.values() for point in line], float).reshape(-1, 2)
    if not len(every):
        raise ValueError("curves need at least one point that is a number.")
    width, height, left, top, right, bottom = 640, 320, 56, 14, 14, 44 + 20 * -(-len(points) // 2)
    x_ticks = ticks(min(0.0, every[:, 0].min()), every[:, 0].max())
    y_ticks = ticks(*(y_range or (min(0.0, every[:, 1].min()), every[:, 1].max())))

    def place(x, y):
        across = (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])
        up = (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    parts = []
    for tick in y_ticks:
        y = place(x_ticks[0], tick)[1]
        parts.append(f'<path d="M{left} {y:.1f}H{width - right}" stroke="currentColor" stroke-opacity="0.15"/>')
        parts.append(_text(left - 8, y + 4, f"{tick:g}", "end"))
    for tick in x_ticks:
        parts.append(_text(place(tick, y_ticks[0])[0], height - bottom + 18, f"{tick:g}", "middle"))
    parts.append(_text((left + width - right) / 2, height - bottom + 36, x_label, "middle"))
    parts.append(_text(14, (top + height - bottom) / 2, y_label, "middle", turned=-90))
    for number, (name, line) in enumerate(points.items()):
        color = COLORS[number % len(COLORS)]
        places = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
        x, y = left + number % 2 * (width - left) / 2, height - bottom + 58 + 20 * (number // 2)
        parts.append(f'<path d="M{x:.0f} {y - 4}h22" stroke="{color}" stroke-width="4"/>')
        parts.append(_text(x + 28, y, name))
    return _svg(width, height, parts, f"{y_label} over {x_label}: {', '.join(points)}")


def confusion(matrix, class_names):
    """Draws a confusion matrix: a row a true class, a column an answer, shaded by the share of the row.

    Args:
        matrix: int `[N, N]`, counts.
        class_names: N str.

    Returns:
        str, an `<svg>` element; each cell that counts something says in its title what.

    Raises:
        ValueError: if the shape does not fit the names.
    """
    matrix = np.asarray(matrix)
    count = len(class_names)
    if matrix.shape != (count, count):
        raise ValueError(f"the matrix must be [{count}, {count}] for {count} class names, got {list(matrix.shape)}.")
    cell = 26
    # 7.5 px a letter, about what the system's fonts take at 13 px.
    margin = min(200, 16 + round(7.5 * max(map(len, class_names))))
    parts = []
    for row, name in enumerate(class_names):
        middle = margin + cell * row + cell / 2
        parts.append(_text(margin - 6, middle + 4, name, "end"))
        parts.append(_text(middle + 4, margin - 6, name, turned=-90))
        total = max(1, matrix[row].sum())
        for column in range(count):
            number = int(matrix[row, column])
            x, y = margin + cell * column, margin + cell * row
            # Right answers in green, wrong ones in orange; an empty cell keeps a trace of the grid.
            color = COLORS[2] if row == column else COLORS[4]
            share = 0.06 if number == 0 else 0.25 + 0.6 * number / total
            fill = f'fill="{color if number else "currentColor"}" fill-opacity="{share:.2f}"'
            title = f"<title>{_escaped(name)}, taken for {_escaped(class_names[column])}: {number}</title>" if number else ""
            parts.append(f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" {fill}>{title}</rect>')
            if number:
                parts.append(_text(x + cell / 2 - 1, y + cell / 2 + 4, str(number), "middle", size=11))
    side = margin + cell * count
    return _svg(side, side, parts, "confusion matrix: rows are true classes, columns are answers")


def ticks(lowest, highest, about=5):
    """Round numbers from `lowest` or just below to `highest` or just above.

    Args:
        lowest: float.
        highest: float, at least `lowest`.
        about: int, about how many steps.

    Returns:
        list of at least two floats, ascending, evenly spaced by 1, 2 or 5 times a power of ten.
    """
    span = highest - lowest or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * about >= span * (1 - 1e-9))
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)]


def _text(x, y, text, anchor="start", turned=0, size=None):
    turn = f' transform="rotate({turned} {x:.1f} {y:.1f})"' if turned else ""
    small = f' font-size="{size}"' if size else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{small}{turn}>{_escaped(text)}</text>'


def _svg(width, height, parts, label):
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_escaped(label)}" {_FONT} fill="currentColor">'
    )
    return head + "".join(parts) + "</svg>"


def _escaped(text):
    return html.escape(str(text), quote=True)
