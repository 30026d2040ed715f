"""The gallery: brands added from artwork and photos, recognized, changed, kept."""

import gzip
import subprocess
import sys
import threading

import galleries
import numpy as np
import photographs
import pytest
from galleries import SHAPES, SIZE, Detecting, WithBackgrounds, WithThreshold, embed, gallery, mark, photo

import logo_keras as lk
from logo_keras.errors import UserError
from logo_keras.gallery import embedders, search
from logo_keras.image import svg
from logo_keras.image.preprocessing import UnreadablePhoto


@pytest.fixture(scope="module")
def brands():
    """A gallery that no test changes."""
    return gallery()


def test_brands_are_named_in_the_boxes_of_photos(brands):
    for label in SHAPES:
        scene, box = photo(label)
        found = brands.recognize(scene, boxes=[box])
        assert found[0].label == label and found[0].box == tuple(map(float, box))
        assert found[0].reference.label == label and found[0].reference.kind == "artwork"
        similarities = [match.similarity for match in found]
        assert similarities == sorted(similarities, reverse=True) and min(similarities) >= 0


def test_the_similarity_is_the_best_cosine_minus_that_of_the_nearest_background(brands):
    scene, box = photo("Acme")
    vector = brands.embed(scene, [box])[0]
    vectors = np.stack([brands.embed_squares([brands.crop(each)])[0] for each in brands.references("Acme")])
    expected = (vectors @ vector).max() - (WithBackgrounds().background_vectors @ vector).max()
    match = brands.recognize(scene, boxes=[box])[0]
    assert match.similarity == pytest.approx(float(expected), abs=1e-5)
    assert match.reference == brands.references("Acme")[int(np.argmax(vectors @ vector))]


def test_a_wall_is_nothing_known(brands):
    assert brands.recognize(np.full((90, 120, 3), 200, np.uint8)) == ()
    assert brands.recognize(photo("Acme")[0], boxes=[]) == ()


def test_an_embedding_without_backgrounds_gives_bare_cosines_and_the_likeliest_brands():
    bare = gallery(function=embed_sized)
    assert bare.threshold is None and bare.rule is None
    found = bare.recognize(np.full((90, 120, 3), 200, np.uint8), top=2)
    assert len(found) == 2 and all(-1 <= match.similarity <= 1 for match in found)
    assert bare.recognize(mark("Globex"))[0].similarity == pytest.approx(1, abs=0.05)


def test_the_threshold_of_an_embedding_counts_until_there_is_a_better_one(tmp_path):
    made = gallery(function=WithThreshold(0.3))
    assert (made.threshold, made.rule) == (0.3, "embedding") and repr(made).endswith(", not calibrated)")
    for similarities, known in (([0.5, 0.3, 0.1], [True, False, False]), ([0.4, 0.3, -0.5], [False] * 3)):
        standings = made.standings(np.float32(similarities)[:, None])
        assert (standings[:, 0] >= made.limits()).tolist() == known
    scene, box = photo("Acme")
    queries = made.embed(scene, [box])
    similarities = made.similarities(queries)
    first, second = np.sort(similarities[:, 0])[[-1, -2]]
    for threshold, known in ((first - max(second, 0) / 2 - 1e-4, ["Acme"]), (first - max(second, 0) / 2 + 1e-4, [])):
        made.threshold = float(threshold)
        assert [match.label for match in made.recognize(scene, boxes=[box])] == known
    made.reembed(embed=WithBackgrounds())
    assert (made.threshold, made.rule) == (0, "backgrounds")
    made.reembed(embed=WithThreshold(0.3))
    made.calibrate([photographs.scene(60, 60, seed) for seed in range(20)], 0.1)
    assert made.rule == "calibrated" and made.standings(similarities) is similarities
    assert repr(made).endswith(", calibrated)")


def test_in_photos_that_are_searched_the_threshold_of_the_detector_counts_unless_one_is_set(tmp_path):
    plain, detector = embedders.embedder(embed=WithThreshold(0.3)), Detecting()
    detector.threshold = 0.4
    model = embedders.Embedder(plain.embed, "a file", "a file", SIZE, plain.background_vectors, 0.3, detector)
    made, path = lk.Gallery(model), tmp_path / "brands.gallery"
    for label in SHAPES:
        made.add(label, mark(label))
    made.save(path)
    for each in (made, lk.Gallery.load(path, model)):
        assert (each.threshold, each.detectors_threshold) == (0.3, 0.4)
        assert each.limits() == pytest.approx([0.3] * 3) and each.limits(searched=True) == pytest.approx([0.4] * 3)
    # Known in a box, and not in the photo.
    scene, box = photo("Acme")
    detector.threshold = 1.9
    assert made.recognize(scene, boxes=[box]) and made.recognize(scene) == ()
    made.threshold = 0.1
    made.save(path)
    for each in (made, lk.Gallery.load(path, model)):
        assert each.detectors_threshold is None and each.limits(searched=True) == pytest.approx([0.1] * 3)
        assert each.recognize(scene)[0].label == "Acme"
    made.calibrate([photographs.scene(60, 60, seed) for seed in range(20)], 0.1)
    assert made.detectors_threshold is None
    # An embedding alone searches nothing.
    assert lk.Gallery(plain).detectors_threshold is None


@pytest.mark.parametrize("threshold", [float("nan"), 3, "0.3"])
def test_a_threshold_that_no_similarity_has_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold must be a number of at most 2, got"):
        lk.Gallery(embed=WithThreshold(threshold))


def test_boxes_are_answered_each_and_top_counts_a_box(brands):
    first, box = photo("Acme")
    second, other = photo("Globex")
    both = np.concatenate([first, second])
    boxes = [box, np.add(other, (120, 0, 120, 0))]
    found = brands.recognize(both, top=1, boxes=boxes)
    assert {match.box: match.label for match in found} == {
        tuple(map(float, boxes[0])): "Acme",
        tuple(map(float, boxes[1])): "Globex",
    }


def test_a_photo_is_embedded_as_a_whole_or_by_the_square_around_each_box(brands):
    scene, box = photo("Acme")
    vectors = brands.embed(scene, [box, (0, 0, 50, 80)])
    assert vectors.shape == (2, galleries.DIMENSIONS) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert brands.embed(scene).shape == (1, galleries.DIMENSIONS)
    assert brands.embed(scene, [(0, 0, 50, 80)])[0] == pytest.approx(vectors[1], abs=1e-6)


def test_every_reference_is_kept_and_the_best_decides():
    made = gallery()
    scene, box = photo("Initech", seed=3)
    before = made.recognize(scene, boxes=[box])[0]
    made.add("Initech", [(scene, box)])
    after = made.recognize(scene, boxes=[box])[0]
    assert after.similarity > before.similarity and after.reference.kind == "photo"
    assert after.reference.box == tuple(map(float, box))
    assert {each.kind for each in made.references("Initech")} == {"artwork", "photo"}


def test_artwork_is_drawn_on_light_and_dark_in_its_colours_and_in_one():
    drawn = [each.drawn for each in gallery(["Acme"]).references("Acme")]
    assert drawn == ["own colours on light", "own colours on dark", "black on light", "white on dark"]


def test_a_black_mark_is_the_same_in_its_colour_and_in_black_and_unseen_on_dark():
    black = mark("Globex").replace(b"#06c", b"#000")
    made = lk.Gallery(embed=WithBackgrounds())
    assert [each.drawn for each in made.add("Globex", black)] == ["own colours on light", "white on dark"]


def test_a_light_letter_in_a_dark_disc_stays_a_letter_in_one_colour():
    made = gallery(["Acme"])
    black = made.crop(made.references("Acme")[2])
    middle, disc = black[len(black) // 2, len(black) // 2], black[len(black) // 2, len(black) // 4]
    assert middle.min() > 240 and disc.max() < 15


@pytest.mark.parametrize("kind", [".png", ".jpg"])
def test_opaque_artwork_on_a_plain_ground_is_cut_to_the_mark(tmp_path, kind):
    picture = np.full((200, 300, 3), 255, np.uint8)
    picture[80:120, 100:140] = (200, 0, 0)
    (tmp_path / f"mark{kind}").write_bytes(photographs.encode(picture, kind))
    made = lk.Gallery(embed=WithBackgrounds())
    references = made.add("Acme", tmp_path / f"mark{kind}")
    assert [each.drawn for each in references] == ["as it is"] and references[0].source == f"mark{kind}"
    crop = made.crop(references[0])
    # 1.25 times the longer side of the mark, 40 px.
    assert abs(len(crop) - 50) <= 4 and crop[0, 0].min() > 240


def test_references_may_be_paths_bytes_arrays_photos_with_boxes_and_folders(tmp_path):
    folder = galleries.write_marks(tmp_path / "marks")
    photographs.write(tmp_path / "marks" / "Acme" / "deep" / "scene.png", seed=4)
    scene, box = photo("Acme")
    given = [folder / "Acme", str(folder / "Globex" / "mark.svg"), mark("Initech"), scene, (scene, box), (scene, None)]
    made = lk.Gallery(embed=WithBackgrounds())
    added = made.add("All", given)
    assert [each.source for each in added[:5]] == ["scene.png", *["mark.svg"] * 4]
    assert {each.source for each in added} == {"scene.png", "mark.svg", "artwork", "photo"}


def test_adding_twice_is_harmless(brands):
    made = gallery(["Acme"])
    before = made.references("Acme")
    assert made.add("Acme", [mark("Acme"), mark("Acme")]) == ()
    assert made.references("Acme") == before


def test_two_brands_with_the_same_artwork_are_named_and_nothing_is_added():
    made = gallery(["Acme"])
    with pytest.raises(ValueError, match="own colours on light.* is a reference of 'Acme' already"):
        made.add("Copycat", [mark("Globex"), mark("Acme")])
    assert made.labels == ("Acme",)


def test_the_mark_of_another_brand_in_another_size_is_named():
    made, picture = gallery(["Acme"]), svg.draw(mark("Acme"), 300)
    with pytest.raises(ValueError, match="own colours on light.* is the mark of 'Acme' once more .*'Other' and 'Acme' could not"):
        made.add("Other", picture)
    assert made.labels == ("Acme",)
    assert len(made.add("Acme", picture)) == 4
    assert len(made.add("Other", picture, shared=True)) == 4


def test_a_brand_may_have_the_mark_of_another_in_other_colours():
    red, blue = (lk.Gallery(embed=WithBackgrounds()) for _ in range(2))
    red.add("Red", recoloured("#d00"))
    blue.add("Blue", recoloured("#00d"))
    red.merge(blue)
    both = lk.Gallery(embed=WithBackgrounds())
    both.add("Red", recoloured("#d00"))
    # Also in another size.
    for given in (recoloured("#00d"), svg.draw(recoloured("#00d"), 300)):
        added = both.add("Blue", given)
        assert [each.drawn for each in added] == ["own colours on light", "own colours on dark"]
        assert both.add("Blue", given) == ()
    for made in (red, both):
        assert made.labels == ("Red", "Blue")
        for label, colour in (("Red", "#d00"), ("Blue", "#00d")):
            assert made.recognize(recoloured(colour))[0].label == label
    with pytest.raises(ValueError, match="own colours on light.* is a reference of 'Red' already .*black on light"):
        both.add("Black", recoloured("#000"))


def test_photos_of_two_brands_may_look_alike():
    made = gallery(["Acme"])
    scene, (y0, x0, y1, x1) = photo("Acme")
    made.add("Acme", [(scene, (y0, x0, y1, x1))])
    nearly = scene.copy()
    nearly[y0 + 5, x0 + 5] ^= 1
    assert len(made.add("Other", [(nearly, (y0, x0, y1, x1))])) == 1


def test_one_bad_reference_adds_nothing(tmp_path):
    made = gallery(["Acme"])
    (tmp_path / "bad.svg").write_bytes(b"<svg>")
    with pytest.raises(UnreadablePhoto, match="bad.svg: not an SVG"):
        made.add("Acme", [mark("Globex"), tmp_path / "bad.svg"])
    assert len(made.references("Acme")) == 4


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ([], "no references were given"),
        ([np.full((20, 20, 3), 9, np.uint8)], "of one colour, all over"),
        ([np.zeros((20, 20, 4), np.uint8)], "transparent"),
        ([np.zeros((20, 20), np.uint8)], "artwork must be a uint8"),
        ([np.zeros((20, 20, 4), np.float32)], "RGBA"),
        (["no/such.png"], "no/such.png: no such file"),
        ([b""], "artwork: the file is empty"),
        ([3], "artwork must be a path"),
        (None, "references must be artwork, photos with boxes, or a folder, got NoneType"),
        ([(np.zeros((20, 20, 3), np.uint8), (0, 0, 9, 9))], "one colour all over"),
        ([(photographs.scene(), (30, 0, 10, 9))], "is empty"),
        ([(photographs.scene(), (0, 0, float("nan"), 9))], "four numbers"),
        ([(photographs.scene(), (1, 2, 3))], "four numbers"),
        ([(photographs.scene(), [(1, 2), (3,)])], "four numbers"),
        ([(photographs.scene(), (500, 500, 600, 600))], "outside the photo"),
    ],
)
def test_what_is_no_reference_is_refused(given, complaint):
    made = lk.Gallery(embed=WithBackgrounds())
    with pytest.raises(ValueError, match=complaint):
        made.add("Acme", given)
    assert made.labels == ()


def test_a_photo_whose_texts_speak_of_svg_is_a_photo():
    jpeg = photographs.encode(photographs.scene(), ".jpg")
    text = b'<svg width="1" height="1"/>'
    # A comment behind the start. Source: ITU-T T.81, B.2.4.5.
    jpeg = jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]
    (added,) = lk.Gallery(embed=WithBackgrounds()).add("Acme", jpeg)
    assert added.drawn == "as it is"


def test_a_compressed_svg_in_a_folder_is_named(tmp_path):
    galleries.write_marks(tmp_path)
    (tmp_path / "Acme" / "z.svgz").write_bytes(gzip.compress(mark("Acme")))
    with pytest.raises(UnreadablePhoto, match="z.svgz: compressed SVG: unpack it first"):
        lk.Gallery(embed=WithBackgrounds()).add("Acme", tmp_path / "Acme")


@pytest.mark.parametrize("boxes", [(1, 2, 30, 40), 5, [5], [(1, 2, 3)], "abcd", [(1, 2, None, 4)]])
def test_what_are_no_boxes_is_refused(brands, boxes):
    for ask in (brands.recognize, brands.embed):
        with pytest.raises(UserError, match="box"):
            ask(photographs.scene(), boxes=boxes)


def test_several_threads_may_ask_after_something_was_added(monkeypatch):
    made, real, found = gallery(), np.argsort, []
    table = made._table

    def slow(*arguments, **options):
        """In the middle of putting what waits in its place another thread asks."""
        monkeypatch.setattr(np, "argsort", real)
        found.append(threading.Thread(target=lambda: found.append((len(table), *map(len, (table.vectors, table.pictures))))))
        found[0].start()
        found[0].join(0.2)
        return real(*arguments, **options)

    monkeypatch.setattr(np, "argsort", slow)
    assert len(table.brands) == 12
    found[0].join(30)
    assert found[1] == (12, 12, 12)


def test_what_waits_is_not_lost_where_there_is_no_memory(monkeypatch):
    table = gallery()._table

    def fail(*arguments, **options):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(np, "argsort", fail)
        with pytest.raises(MemoryError):
            table.vectors  # noqa: B018
    assert len(table) == len(table.vectors) == len(table.columns["digest"]) == 12


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="no artwork in this folder"):
        lk.Gallery(embed=WithBackgrounds()).add("Acme", tmp_path)


@pytest.mark.parametrize("label", ["", "  ", None, 3])
def test_a_label_must_be_a_name(label):
    with pytest.raises(ValueError, match="a label must be a name"):
        gallery([]).add(label, mark("Acme"))


def test_names_may_be_in_any_script_and_one_may_be_none(tmp_path):
    made = lk.Gallery(embed=WithBackgrounds())
    for label, shape in zip(("可口可乐", "none", "Cafe\u0301"), SHAPES, strict=True):
        made.add(label, mark(shape))
    made.save(tmp_path / "scripts.gallery")
    again = lk.Gallery.load(tmp_path / "scripts.gallery", embed=WithBackgrounds())
    assert again.labels == ("可口可乐", "none", "Café") and "Cafe\u0301" in again
    assert again.recognize(mark("Globex"))[0].label == "none"


def test_brands_are_listed_removed_renamed_and_merged():
    made = gallery()
    assert [(each.label, each.references, each.threshold) for each in made.list()][0] == ("Acme", 4, 0.0)
    made.rename("Acme", "ACME Inc")
    assert made.labels == ("ACME Inc", "Globex", "Initech")
    with pytest.raises(ValueError, match="there is a brand 'Globex' already"):
        made.rename("ACME Inc", "Globex")
    made.merge("Initech", into="ACME Inc")
    assert {each.label: each.references for each in made.list()} == {"ACME Inc": 8, "Globex": 4}
    scene, box = photo("Initech")
    assert made.recognize(scene, boxes=[box])[0].label == "ACME Inc"
    first = made.references("Globex")[0]
    made.remove("Globex", first)
    assert len(made.references("Globex")) == 3 and first not in made.references("Globex")
    made.remove("Globex")
    assert made.labels == ("ACME Inc",) and "Globex" not in made
    for act in (lambda: made.remove("Globex"), lambda: made.rename("Globex", "a"), lambda: made.references("Globex")):
        with pytest.raises(ValueError, match="no brand 'Globex' in the gallery, which has 'ACME Inc'"):
            act()
    with pytest.raises(ValueError, match="has no reference 'abc'"):
        made.remove("ACME Inc", "abc")


def test_galleries_are_merged_and_a_picture_of_two_brands_is_named():
    made, other = gallery(["Acme"]), gallery(["Globex", "Acme"])
    made.merge(other)
    assert {each.label: each.references for each in made.list()} == {"Acme": 4, "Globex": 4}
    other.rename("Globex", "Gobelx")
    with pytest.raises(ValueError, match="is a reference of 'Globex' here and of 'Gobelx' there"):
        made.merge(other)
    with pytest.raises(ValueError, match="different embeddings"):
        made.merge(gallery(["Initech"], function=other_embedding))


def test_an_empty_gallery_recognizes_nothing_and_says_why():
    with pytest.raises(ValueError, match="no references yet"):
        lk.Gallery(embed=WithBackgrounds()).recognize(photographs.scene())


def test_without_a_model_it_is_said_what_to_give(monkeypatch, tmp_path):
    monkeypatch.setattr(embedders, "SHIPPED", tmp_path / "missing.tflite")
    with pytest.raises(ValueError, match="missing.tflite, .* is missing: install logo_keras again, or .* embed=FUNCTION"):
        lk.Gallery()
    for options, complaint in (
        ({"model": "a.tflite", "embed": embed}, "not both"),
        ({"model": "a.tflite", "image_size": 32}, "image_size belongs to embed"),
        ({"model": "a.pb"}, "must be a .keras, .tflite or .onnx file"),
        ({"embed": 3}, "must be a function"),
        ({"embed": embed, "image_size": 0}, "image_size must be an integer"),
        ({"model": object()}, "no embedding"),
    ):
        with pytest.raises(ValueError, match=complaint):
            lk.Gallery(**options)
    with pytest.raises(FileNotFoundError, match="no model .*a.tflite"):
        lk.Gallery(tmp_path / "a.tflite")


@pytest.mark.parametrize(
    ("gives", "complaint"),
    [
        (lambda images: np.zeros((len(images), 8)), "all zeros"),
        (lambda images: np.full((len(images), 8), np.nan), "not finite"),
        (lambda images: np.ones(8), "must give float vectors"),
        (lambda images: np.ones((len(images) + 1, 8)), "must give float vectors"),
    ],
)
def test_a_function_that_gives_no_vectors_is_refused(gives, complaint):
    with pytest.raises(ValueError, match=complaint):
        lk.Gallery(embed=gives)


def test_any_length_of_vectors_is_made_one():
    made = lk.Gallery(embed=lambda images: 100 * embed(images), image_size=SIZE)
    assert np.linalg.norm(made.embed(photographs.scene())) == pytest.approx(1, abs=1e-6)


def test_the_best_of_each_brand_is_exact_in_blocks_and_out_of_them(monkeypatch):
    rng = np.random.default_rng(0)
    vectors, queries = (embedders.unit(rng.normal(size=(n, 8)).astype(np.float32)) for n in (500, 3))
    brands = np.sort(np.concatenate([np.arange(40), rng.integers(0, 40, 460)]))
    starts = np.searchsorted(brands, np.arange(40))
    expected = np.stack([(vectors[brands == brand] @ queries.T).max(0) for brand in range(40)])
    for rows in (1, 7, 64, 1000):
        monkeypatch.setattr(search, "_ROWS", rows)
        assert search.best_of_brands(vectors, starts, queries) == pytest.approx(expected, abs=1e-6)
        assert search.best_of_brands(vectors, starts, queries[:1]) == pytest.approx(expected[:, :1], abs=1e-6)


def test_a_hundred_thousand_brands_are_added_one_by_one():
    from logo_keras.gallery.pictures import Pictures
    from logo_keras.gallery.table import Table

    table = Table.empty(4)
    vectors = embedders.unit(np.random.default_rng(0).normal(size=(100_000, 4)).astype(np.float32))
    known = dict(kind="artwork", drawn="as it is", source="a.svg", box=None, file="f")
    for number, vector in enumerate(vectors):
        table.append(f"brand {number}", vector, known | {"digest": f"{number:032x}"}, Pictures(None, None))
    made = lk.Gallery(embed=lambda images: images[:, 0, 0, :1] + np.ones((len(images), 4)), image_size=8)
    made._table = table
    assert len(made.labels) == 100_000
    found = made.recognize(photographs.scene())
    assert found[0].similarity == pytest.approx(float((vectors @ made.embed(photographs.scene())[0]).max()), abs=1e-5)


def test_it_runs_without_tensorflow(tmp_path):
    galleries.write_marks(tmp_path / "marks")
    code = (
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for name in ('tensorflow', 'keras', 'matplotlib', 'PIL', 'tqdm', 'duckdb'): sys.modules[name] = None\n"
        "import galleries, logo_keras as lk\n"
        "made = lk.Gallery(embed=galleries.WithBackgrounds())\n"
        "for label in galleries.SHAPES: made.add(label, sys.argv[2] + '/' + label)\n"
        "made.save(sys.argv[2] + '/brands.gallery')\n"
        "again = lk.Gallery.load(sys.argv[2] + '/brands.gallery', embed=galleries.WithBackgrounds())\n"
        "print(again.recognize(galleries.mark('Globex'))[0].label)\n"
        "searching = lk.Gallery.load(sys.argv[2] + '/brands.gallery', embed=galleries.Detecting())\n"
        "print(searching.recognize(galleries.photo('Acme')[0], close=True)[0].label)"
    )
    arguments = [sys.executable, "-c", code, __file__.rpartition("/")[0], tmp_path / "marks"]
    process = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=60)
    assert process.stdout.split() == ["Globex", "Acme"], process.stderr


def recoloured(colour):
    return mark("Globex").replace(b"#06c", colour.encode())


def embed_sized(images):
    return embed(images)


def other_embedding(images):
    return embed(images[..., ::-1])


embed_sized.image_size = other_embedding.image_size = SIZE
