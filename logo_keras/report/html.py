"""Pages of HTML from the templates beside this file: every value escaped, readable on a phone, by day and by night."""

import base64
import functools

from logo_keras.extras import require
from logo_keras.image.draw import encoded


def render(template, **values):
    """Fills in a template.

    Args:
        template: str, the name of a file in `templates`.
        **values: what it shows. All is escaped, but for charts of `logo_keras.report.charts`.

    Returns:
        bytes, the page in UTF-8. What is no Unicode in the name of a file reads `\\udcff`.
    """
    return _templates().get_template(template).render(values).encode("utf-8", "backslashreplace")


def counted(number, what):
    """A number with what it counts, given in the plural: "1,234 brands", "1 cut-out box"."""
    return f"{number:,} {what if number != 1 else what.removesuffix('es') if what.endswith('boxes') else what.removesuffix('s')}"


def percent(share):
    """A share 0..1 as "84.0 %", or "unknown" for None."""
    # A no-break space: on a phone the sign would slip into the next line.
    return "unknown" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def data_uri(image):
    """An image, uint8 RGB `[H, W, 3]` or the bytes of a JPEG, as a `data:` address that holds it as a JPEG."""
    data = image if isinstance(image, bytes) else encoded(image, quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


@functools.cache
def _templates():
    jinja2 = require("jinja2", "report")
    loader = jinja2.PackageLoader("logo_keras.report")
    templates = jinja2.Environment(
        autoescape=True, loader=loader, lstrip_blocks=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    templates.filters |= {"counted": counted, "data_uri": data_uri, "percent": percent}
    return templates
