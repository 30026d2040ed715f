"""The picture of a network's regions: what is drawn and written of whom, and who has none."""

import numpy as np
import pytest
from photographs import scene
from tiny import REGIONS, tiny_backbone

import logo_keras as lk
from logo_keras.visualize.sheet import Sheet

NAMES = ("adidas", "Владивосток", "puma " * 30)


def network(kind=lk.DRNANet, **options):
    return kind(backbone=tiny_backbone(), class_names=NAMES, weights=None, **(REGIONS | options))


class Exported:
    """Answers as an exported file does."""

    class_names, image_size, preprocessing, threshold = NAMES, 96, "stretch", None
    outputs = ("probabilities", "region_boxes")

    def infer(self, images):
        return {"probabilities": np.float32([[0.7, 0.2, 0.1]]), "region_boxes": np.float32([[(0, 0, 48, 48), (30, 30, 90, 90)]])}

    def recognize(self, photo):
        raise AssertionError("all that is drawn is asked for at once")


@pytest.fixture
def written(monkeypatch):
    """What a sheet has written."""
    texts, write = [], Sheet.write
    monkeypatch.setattr(
        Sheet, "write", lambda sheet, text, *rest, **more: texts.append(text) or write(sheet, text, *rest, **more)
    )
    return texts


def test_every_region_has_its_number_and_the_fused_ones_their_map_crop_and_drop(written):
    picture = lk.visualize.localised_regions(network(), scene(60, 90), "adidas")
    assert picture.shape[1:] == (800, 3) and picture.dtype == np.uint8
    # On the photo and beside the region.
    assert [written.count(number) for number in "1234"] == [2, 2, 2, 0]
    assert [written.count(name) for name in ("region", "map", "crop", "drop")] == [2, 2, 2, 2]
    assert sum(text.startswith("score ") for text in written) == 3


def test_the_teachers_confidence_is_that_of_the_true_brand(written):
    model, photo = network(), scene(96, 96)
    lk.visualize.localised_regions(model, photo, "adidas")
    logits = model(photo[None].astype(np.float32), all_regions=True)["region_logits"][0, 0].numpy()
    share = np.exp(logits - logits.max())
    share = share[0] / share.sum()
    assert f"teacher: {100 * share:.0f} % adidas" in written


def test_views_that_the_network_does_not_look_at_are_not_drawn(written):
    lk.visualize.localised_regions(network(views=("region", "drop")), scene())
    assert written.count("map") == written.count("drop") == 2 and "crop" not in written
    lk.visualize.localised_regions(network(lk.NTSNet, num_regions=1), scene())
    assert written.count("map") == 2


@pytest.mark.parametrize("photo", [scene(8, 5), np.full((40, 300, 3), 90, np.uint8)], ids=["tiny", "grey"])
def test_odd_photos_and_six_regions_are_drawn(photo):
    picture = lk.visualize.localised_regions(network(num_proposals=6, num_regions=6), photo, NAMES[2], [(0, 0, 3, 3)])
    assert picture.shape[0] > 6 * 184


def test_an_exported_file_shows_its_regions_and_says_that_it_has_no_scores(written):
    lk.visualize.localised_regions(Exported(), scene(), "puma " * 30)
    assert written.count("no score in the file") == 2 and "map" not in written
    assert "\N{BALLOT X} 70 % adidas" in written


def test_below_the_threshold_that_is_said(written):
    model = Exported()
    model.threshold = 0.9
    lk.visualize.localised_regions(model, scene())
    assert "it says none: below its threshold, 70 % adidas" in written


def test_who_has_no_regions_and_a_brand_that_nobody_knows_are_refused():
    plain = lk.Classifier(backbone=tiny_backbone(), class_names=NAMES, image_size=32, weights=None)
    with pytest.raises(ValueError, match="Classifier has none"):
        lk.visualize.localised_regions(plain, scene())
    with pytest.raises(ValueError, match="knows no brand 'nike'"):
        lk.visualize.localised_regions(Exported(), scene(), "nike")
    with pytest.raises(ValueError):
        lk.visualize.localised_regions(Exported(), np.zeros((4, 4), np.uint8))
