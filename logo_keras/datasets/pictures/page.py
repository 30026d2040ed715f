"""The page that shows the pictures of a data set, which lie in files beside it."""

import html

from logo_keras.report.page import page

# Text is escaped; that no script runs, a browser vouches for too.
_POLICY = "script-src 'none'; object-src 'none'; base-uri 'none'"
# Always light, as the charts are.
_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1rem; max-width: 66rem; background: #ffffff; color: #1b1f24;
       font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h2 { margin-top: 2.2rem; } p { max-width: 46rem; } .faint, figcaption, caption { color: #59636e; font-size: 0.9rem; }
.cards { display: flex; flex-wrap: wrap; gap: 0.6rem; }
.card { background: #f6f8fa; border: 1px solid #d1d9e0; border-radius: 0.5rem; padding: 0.6rem 0.9rem; min-width: 9rem; }
.card b { display: block; font-size: 1.6rem; }
table { border-collapse: collapse; } .wide { overflow-x: auto; } summary { cursor: pointer; }
th, td { text-align: left; padding: 0.2rem 0.9rem 0.2rem 0; border-bottom: 1px solid #d1d9e0; }
figure { margin: 1rem 0; } figure img { max-width: 100%; height: auto; display: block; }
"""


def document(title, *parts):
    """Puts pieces of HTML together, those of `logo_keras.report.page` and of this file.

    Args:
        title: str, plain text.
        *parts: str, HTML.

    Returns:
        str, the whole document.
    """
    return page(title, *parts, style=_STYLE, policy=_POLICY)


def image(file, caption, width):
    """A picture in a file beside the page.

    Args:
        file: str, its name: letters, digits, `.` and `-`.
        caption: str, plain text, also read out to those who do not see it.
        width: int, px of the page.
    """
    text = html.escape(caption)
    return f'<figure><img src="{file}" width="{width}" alt="{text}" loading="lazy"><figcaption>{text}</figcaption></figure>'


def link(file, text):
    """A link to a file beside the page, a paragraph of its own; both as in `image`."""
    return f'<p class="faint"><a href="{file}">{html.escape(text)}</a></p>'
