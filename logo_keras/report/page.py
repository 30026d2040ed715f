"""A page of HTML in one file: pictures inside, nothing fetched, readable on a phone, by day and by night.

Every function gives a piece of HTML as str, with all text escaped; `page` puts pieces together.
"""

import base64
import html

from logo_keras.extras import cv2

_STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --text: #1b1f24; --faint: #59636e; --line: #d1d9e0; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --card: #151b23; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--back); color: var(--text);
       font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
p { max-width: 46rem; } .faint, figcaption, caption { color: var(--faint); font-size: 0.9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.6rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.7rem 0.8rem; }
.card b { display: block; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } table { border-collapse: collapse; } caption { text-align: left; padding: 0.3rem 0; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
         font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; border-radius: 0.3rem; display: block; }
figcaption { margin-top: 0.3rem; } .shrinks svg { max-width: 100%; height: auto; }
summary { cursor: pointer; }
"""
# No address is allowed at all, so that a browser itself vouches for it: the page fetches nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title, *parts, style=_STYLE, policy=_POLICY):
    """Puts pieces together.

    Args:
        title: str, plain text.
        *parts: str, pieces of HTML.
        style: str, CSS.
        policy: str, what the browser is to allow (Content-Security-Policy).

    Returns:
        str, the whole document.
    """
    name = html.escape(title)
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title><style>{style}</style>'
    )
    body = "\n".join((f"<h1>{name}</h1>", *parts))
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{body}\n</body>\n</html>\n'


def heading(text):
    """A heading; plain text."""
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text, faint=False):
    """A paragraph; plain text. `faint` is for notes."""
    kind = ' class="faint"' if faint else ""
    return f"<p{kind}>{html.escape(text)}</p>"


def points(texts):
    """A list with a dot before each plain text."""
    return f"<ul>{''.join(f'<li>{html.escape(text)}</li>' for text in texts)}</ul>"


def cards(facts):
    """Large figures side by side.

    Args:
        facts: list of `(figure, what it is)`, plain text.
    """
    inside = "".join(f'<div class="card"><b>{html.escape(f)}</b>{html.escape(what)}</div>' for f, what in facts)
    return f'<div class="cards">{inside}</div>'


def table(header, rows, caption=None):
    """A table that scrolls sideways where the screen is narrow.

    Args:
        header: list of str.
        rows: list of lists of str or numbers, as long as the header.
        caption: str or None.

    Raises:
        ValueError: if a row has another length.
    """
    wrong = [row for row in rows if len(row) != len(header)]
    if wrong:
        raise ValueError(f"every row must have {len(header)} cells, got {wrong[0]!r}.")
    head = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    head += f"<thead><tr>{_cells('th', header)}</tr></thead>"
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{head}<tbody>{body}</tbody></table></div>'


def picture(photo, caption, quality=82):
    """A picture, inside the page as a JPEG.

    Args:
        photo: uint8 RGB `[H, W, 3]`.
        caption: str, also read out to those who do not see it.
        quality: int, 0..100, of the JPEG.
    """
    height, width = photo.shape[:2]
    text = html.escape(caption)
    image = f'<img src="{data_uri(photo, quality)}" width="{width}" height="{height}" alt="{text}" loading="lazy">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def chart(svg, caption, shrinks=True):
    """A chart of `logo_keras.report.charts`.

    Args:
        svg: str, an `<svg>` element; the one argument in this file that is taken as HTML.
        caption: str.
        shrinks: bool. False keeps its size, so that small letters stay legible, and scrolls sideways.
    """
    kind = "shrinks" if shrinks else "wide"
    return f'<figure><div class="{kind}">{svg}</div><figcaption>{html.escape(caption)}</figcaption></figure>'


def code(text):
    """Text in letters of equal width, its line ends kept."""
    return f'<div class="wide"><pre>{html.escape(text)}</pre></div>'


def folded(summary, *parts):
    """Pieces that are shown after a click on the summary."""
    return f"<details><summary>{html.escape(summary)}</summary>{''.join(parts)}</details>"


def data_uri(photo, quality=82):
    """A picture `[H, W, 3]`, uint8 RGB, as a `data:` address that holds it as a JPEG."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def _cells(tag, values):
    return "".join(f"<{tag}>{html.escape(str(value))}</{tag}>" for value in values)
