"""SVG files, drawn: what they show, and those that are damaged, made to do harm, or show nothing."""

import gzip
import subprocess
import sys

import cv2
import numpy as np
import pytest

from logo_keras.image import svg
from logo_keras.image.preprocessing import UnreadablePhoto

NAMESPACE = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
RED = '<rect x="10" y="10" width="100" height="30" fill="#f00"/>'
BOX = 'viewBox="0 0 200 50"'


def made(inside=RED, attributes=BOX, before=""):
    return f"{before}<svg {NAMESPACE} {attributes}>{inside}</svg>".encode()


def refused(data, *complaints):
    with pytest.raises(UnreadablePhoto) as caught:
        svg.draw(data, 64, "mark.svg")
    assert str(caught.value).startswith("mark.svg: ")
    assert all(complaint in str(caught.value) for complaint in complaints), caught.value


def test_the_longer_side_has_the_size_asked_for_and_what_is_not_drawn_is_transparent():
    picture = svg.draw(made(), 100)
    assert picture.shape == (25, 100, 4) and picture.dtype == np.uint8
    assert picture[12, 30].tolist() == [255, 0, 0, 255] and picture[2, 2, 3] == 0 and picture[12, 80, 3] == 0


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ('width="200" height="50"', (16, 64)),
        ('width="20mm" height="40mm"', (64, 32)),
        ('width="100%" height="100%" viewBox="0 0 100 100"', (64, 64)),
        ('width="99999" height="99999" viewBox="0,0,100,50"', (32, 64)),
    ],
)
def test_the_size_is_that_of_the_view_box_or_what_is_stated(attributes, shape):
    assert svg.draw(made(attributes=attributes), 64).shape[:2] == shape


def test_without_any_size_it_is_what_the_shapes_cover():
    assert svg.draw(made(attributes=""), 64).shape[1] == 64


def test_the_name_space_may_be_missing_or_a_prefix():
    plain = svg.draw(made(), 64)
    assert (svg.draw(f"<svg {BOX}>{RED}</svg>".encode(), 64) == plain).all()
    prefixed = RED.replace("<rect", "<s:rect")
    assert (svg.draw(f'<s:svg xmlns:s="http://www.w3.org/2000/svg" {BOX}>{prefixed}</s:svg>'.encode(), 64) == plain).all()


def test_utf_16_and_the_entities_of_drawing_programs_are_read():
    plain = svg.draw(made(), 64)
    wide = made(before='<?xml version="1.0" encoding="utf-16"?>').decode().encode("utf-16")
    public = '"-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"'
    named = made(RED.replace("#f00", "&red;"), before=f'<!DOCTYPE svg PUBLIC {public} [<!ENTITY red "#f00">]>')
    assert (svg.draw(wide, 64) == plain).all() and (svg.draw(named, 64) == plain).all()
    assert svg.is_svg(wide) and svg.is_svg(named) and not svg.is_svg(b"\x89PNG\r\n\x1a\n" + bytes(100))


def test_scripts_links_and_files_are_left_out(tmp_path):
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), np.full((50, 200, 3), 255, np.uint8))
    bad = (
        f'<script>while (true) {{}}</script><style>@import "{secret.as_uri()}"; rect {{ opacity: 1 }}</style>'
        f'<image href="{secret.as_uri()}" width="200" height="50"/><image xlink:href="{secret}" width="200" height="50"/>'
        f'<image xlink:href="http://127.0.0.1:9/a.png" width="200" height="50"/><use href="{secret}#a"/>'
        '<image href="data:image/svg+xml;base64,PHN2Zy8+" width="200" height="50"/>'
        '<rect width="200" height="50" fill="url(http://127.0.0.1:9/a.svg#b)"/><foreignObject><p>text</p></foreignObject>'
    )
    data = made(f'<g onclick="alert(1)">{bad}{RED}</g>', f'{BOX} onload="alert(1)"')
    assert (svg.draw(data, 64) == svg.draw(made(), 64)).all()


def test_a_picture_that_lies_in_it_is_drawn():
    import base64

    png = base64.b64encode(cv2.imencode(".png", np.uint8([[[0, 0, 255]]]))[1].tobytes()).decode()
    picture = svg.draw(made(f'<image href="data:image/png;base64,{png}" width="200" height="50"/>'), 64)
    assert picture[8, 32].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("entities", "inside", "complaint"),
    [
        ('<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">', "&b;", "entity b is made of others"),
        (f'<!ENTITY a "{"a" * 250}">', "&a;" * 100_000, "entities make more than"),
        # Each of these is 600 MB in memory once it is parsed.
        (f'<!ENTITY a "{"a" * 250}">', f'<g class="{"&a;" * 2_500_000}"/>', "entities make more than"),
        (f'<!ENTITY a "{"a" * 250}">', f"<style>{'&a;' * 2_500_000}</style>", "entities make more than"),
        ('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;", "lies in another file"),
        ('<!ENTITY % a SYSTEM "http://127.0.0.1:9/a.dtd"> %a;', "", "lies in another file"),
    ],
)
def test_entities_that_grow_or_ask_for_files_are_refused(entities, inside, complaint):
    refused(made(RED + inside, before=f"<!DOCTYPE svg [{entities}]>"), complaint)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not an SVG"),
        (b"<svg", "not an SVG"),
        (b"<html><svg/></html>", "it begins with the element html"),
        (bytes(range(256)), "not an SVG"),
        (made(attributes='width="0" height="50"'), "its size is 0 x 50"),
        (made(attributes='viewBox="0 0 -5 50"'), "its size is -5 x 50"),
        (made(attributes='width="1e400" height="1"'), "its size is inf x 1"),
        (made(attributes='width="1e9" height="5"'), "times as long as wide"),
        (made(""), "draws nothing"),
        (made('<rect width="5" height="5" fill="none"/>'), "draws nothing"),
        (made(attributes='width="1e9" height="1e9"'), "draws nothing"),
        (made("<text y='40'>Acme</text>"), "has text"),
        (made("<g>" * 1000 + "</g>" * 1000), "200 deep"),
        (made("<g/>" * 200_001), "more than 200,000 elements"),
        (made('<path d="nonsense"/>'), "draws nothing"),
        (made(before='<?xml version="1.0" encoding="klingon"?>'), "unknown encoding"),
        (made(before='<?xml version="1.0" encoding="zlib"?>'), "not a text encoding"),
        (gzip.compress(made()), "compressed SVG: unpack it first"),
    ],
)
def test_what_cannot_be_drawn_is_named_with_its_reason(data, complaint):
    refused(data, complaint)


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        (f'<g class="{"url(" * 250_000}"/>', BOX),
        (f"<style>url({' ' * 1_000_000}#</style>", BOX),
        (f"<style>{'@import' * 150_000}</style>", BOX),
        ("", f'width="{"1" * 1_000_000}!" {BOX}'),
        ("", f'width="1{" " * 1_000_000}!" {BOX}'),
        ("", f'viewBox="0 0 200 50 {"1 " * 500_000}" width="200" height="50"'),
    ],
)
def test_no_text_is_looked_at_again_and_again(inside, attributes):
    """Where work grows with the square of a text, each of these takes hours."""
    assert svg.draw(made(inside + RED, attributes), 64).shape[:2] == (16, 64)


def test_what_a_style_fetches_is_left_out_also_at_its_end():
    style = "@import 'a.css'; rect { fill: url(#a); stroke: url( 'http://b/c#d' ); mask: url(http://e"
    copy = svg._Copy(64).of(made(f"<style>{style}</style>")).decode()
    assert "rect { fill: url(#a); stroke: none; mask: none</style>" in copy


def test_the_defaults_that_it_declares_are_not_made_anew_for_each_element():
    # 100 GB of attributes.
    declared = f'<!DOCTYPE svg [<!ATTLIST g class CDATA "{"a" * 1_000_000}">]>'
    svg.draw(made(f"<metadata>{'<g/>' * 100_000}</metadata>{RED}", before=declared), 64)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.svg"
    path.write_bytes(made() + b" " * svg.MAX_BYTES)
    with pytest.raises(UnreadablePhoto, match="large.svg: too large"):
        svg.read(path, 64)
    refused(path.read_bytes(), "too large")


def test_drawings_inside_drawings_without_end_are_refused():
    uses = "".join(f'<g id="g{n}">{f"<use href=%cg{n - 1}%c/>" % (34, 34) * 10}</g>' for n in range(1, 10)).replace('"g', '"#g')
    uses = uses.replace('id="#', 'id="')
    refused(made(f'<g id="g0">{RED}</g>{uses}'))


def test_drawing_takes_no_more_time_and_memory_than_it_may(monkeypatch):
    monkeypatch.setattr(svg, "SECONDS", 1)
    refused(made(RED * 100_000), "takes more than 1 s or")
    monkeypatch.setattr(svg, "SECONDS", 10)
    monkeypatch.setattr(svg, "MEMORY", 2**25)
    refused(made(RED * 20_000), "MiB to draw")


def test_drawing_needs_no_tensorflow_and_leaves_the_process_alone():
    code = (
        "import sys, resource\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from logo_keras.image import svg\n"
        f"svg.draw({made()!r}, 64)\n"
        "assert resource.getrlimit(resource.RLIMIT_AS) == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)\n"
        "assert 'resvg_py' in sys.modules"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
