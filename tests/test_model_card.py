"""What a model file says of itself."""

import json
import tracemalloc
import zipfile

import pytest
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.weights import model_card


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


def test_the_training_images_of_thousands_of_brands_are_one_line(saved, tmp_path, capsys):
    model = lk.load(saved)
    model.card["data"]["training_images"] = [30] * 2000 + [7, 400]
    model.save(tmp_path / "many.keras")
    lk.describe(tmp_path / "many.keras")
    said = capsys.readouterr().out
    assert "training_images 7 to 400 a class, median 30" in said and len(said) < 3000
    assert len(model_card.read(tmp_path / "many.keras")["data"]["training_images"]) == 2002


def test_the_card_survives_loading_and_saving(saved, tmp_path):
    lk.load(saved).save(tmp_path / "again.keras")
    again, first = model_card.read(tmp_path / "again.keras"), model_card.read(saved)
    assert again["figures"] == first["figures"] and again["weights"] == first["weights"]


def test_what_is_no_model_of_this_package_is_refused_by_name(tmp_path):
    import keras

    with pytest.raises(FileNotFoundError, match="no model"):
        lk.describe(tmp_path / "none.keras")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match="cut.keras is not a model file of logo_keras, or it is damaged"):
        lk.describe(tmp_path / "cut.keras")
    images = keras.Input((4,))
    keras.Model(images, keras.layers.Dense(1)(images)).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="other.keras holds a Functional"):
        lk.describe(tmp_path / "other.keras")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w"):
        pass
    with pytest.raises(ValueError, match="damaged"):
        lk.describe(tmp_path / "empty.keras")


def repacked(saved, path, compression=zipfile.ZIP_DEFLATED, **changed):
    """A copy of a model file in which the files named by `changed`, without their suffixes, hold other bytes."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w", compression) as target:
        for name in source.namelist():
            target.writestr(name, changed.get(name.partition(".")[0], source.read(name)))
    return path


@pytest.mark.parametrize("entry", ["config", "metadata", "model"])
def test_a_small_file_that_would_unpack_to_much_is_refused_before_that(saved, tmp_path, entry):
    path = repacked(saved, tmp_path / "bomb.keras", **{entry: b"{" + b" " * 3 * 10**7 + b"}"})
    assert path.stat().st_size < 10**6
    for function in (model_card.read, lk.load):
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"bomb.keras is not .*would be 30,000,002 bytes"):
            function(path)
        assert tracemalloc.get_traced_memory()[1] < 10**7
        tracemalloc.stop()


def test_a_model_that_was_packed_again_is_still_read(saved, tmp_path):
    path = repacked(saved, tmp_path / "again.keras")
    assert model_card.read(path) == model_card.read(saved)
    assert lk.load(path).class_names == lk.load(saved).class_names


def test_other_ways_of_packing_are_refused(saved, tmp_path):
    with pytest.raises(ValueError, match="lzma.keras .*another method than deflate"):
        model_card.read(repacked(saved, tmp_path / "lzma.keras", zipfile.ZIP_LZMA))


def test_a_damaged_file_is_one_error_that_names_it(saved, tmp_path):
    data, path = repacked(saved, tmp_path / "packed.keras").read_bytes(), tmp_path / "damaged.keras"
    refused = 0
    # Into each part of the zip: headers, packed bytes, the directory at the end.
    for at in [*range(0, 200, 7), *range(len(data) - 300, len(data), 7)]:
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            lk.describe(path, report=lambda line: None)
        except ValueError as error:
            assert "damaged.keras" in str(error)
            refused += 1
    assert refused > 20


def test_a_configuration_of_other_types_is_refused_by_name(saved, tmp_path):
    with zipfile.ZipFile(saved) as archive:
        config = json.loads(archive.read("config.json"))
    arguments = config["config"]
    for changed in (
        [],
        None,
        "text",
        config | {"registered_name": None},
        config | {"registered_name": 3},
        config | {"class_name": ["Classifier"]},
        config | {"config": [1]},
        config | {"config": arguments | {"class_names": 3}},
        config | {"config": arguments | {"class_names": [1, None]}},
        config | {"config": arguments | {"card": []}},
        config | {"config": arguments | {"card": {"packages": "keras"}}},
        config | {"config": arguments | {"backbone": None}},
    ):
        path = repacked(saved, tmp_path / "odd.keras", config=json.dumps(changed).encode())
        for function in (model_card.read, lk.describe, lk.load):
            with pytest.raises(ValueError, match="odd.keras"):
                function(path)
    with pytest.raises(ValueError, match="odd.keras"):
        model_card.read(repacked(saved, tmp_path / "odd.keras", metadata=b"[]"))


def test_lists_inside_lists_without_end_are_refused(saved, tmp_path):
    with zipfile.ZipFile(saved) as archive:
        config = json.loads(archive.read("config.json"))
    whole = json.dumps(config | {"config": config["config"] | {"card": {"figures": "HERE"}}})
    for depth in (600, 100_000):
        deep = whole.replace('"HERE"', "[" * depth + "]" * depth).encode()
        with pytest.raises(ValueError, match="deep.keras"):
            lk.describe(repacked(saved, tmp_path / "deep.keras", config=deep))


def test_weights_that_are_no_hdf5_file_are_refused_by_name(saved, tmp_path):
    with pytest.raises(ValueError, match="hollow.keras"):
        lk.load(repacked(saved, tmp_path / "hollow.keras", model=b"no weights"))
