"""What a model file says of itself."""

import zipfile

import pytest
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras import model_card


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = lk.Classifier(class_names=["acme", "globex"], backbone=tiny_backbone(), image_size=64, weights=None)
    model.card |= {"data": {"kind": "folder", "photographs": 12}, "recipe": "a_recipe", "figures": {"val_top1": 0.875}}
    path = tmp_path_factory.mktemp("card") / "model.keras"
    model.save(path)
    return path


def test_a_file_says_what_it_is(saved):
    card = model_card.read(saved)
    assert card["architecture"] == "Classifier" and card["classes"] == ["acme", "globex"]
    assert card["data"]["photographs"] == 12 and card["arguments"]["image_size"] == 64
    assert card["packages"]["keras"] and card["date"] and "tiny" in card["backbone"]


def test_describe_prints_it(saved, capsys):
    lk.describe(saved)
    said = capsys.readouterr().out
    for text in ("Classifier", "2: acme, globex", "photographs 12", "a_recipe", "val_top1 0.875", "image_size 64", "a value"):
        assert text in said, text


def test_the_card_survives_loading_and_saving(saved, tmp_path):
    lk.load(saved).save(tmp_path / "again.keras")
    again, first = model_card.read(tmp_path / "again.keras"), model_card.read(saved)
    assert again["figures"] == first["figures"] and again["weights"] == first["weights"]


def test_what_is_no_model_of_this_package_is_refused_by_name(tmp_path):
    import keras

    with pytest.raises(FileNotFoundError, match="no model"):
        lk.describe(tmp_path / "none.keras")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match="cut.keras is not a .keras file, or it is damaged"):
        lk.describe(tmp_path / "cut.keras")
    images = keras.Input((4,))
    keras.Model(images, keras.layers.Dense(1)(images)).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="other.keras holds a Functional"):
        lk.describe(tmp_path / "other.keras")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w"):
        pass
    with pytest.raises(ValueError, match="damaged"):
        lk.describe(tmp_path / "empty.keras")
