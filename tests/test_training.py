"""Training runs: what they leave, and what is left when they are killed, diverge, or find the disk full."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import photographs
import pytest
from tiny import tiny_run as config

from logo_keras import datasets
from logo_keras.image.preprocessing import UnreadablePhotograph
from logo_keras.training import train

EPOCHS = 2  # of tiny_run
pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six photographs of each of two brands."""
    return photographs.two_brands(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def dataset(folder):
    return datasets.load("folder", folder)


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    """A run that nothing disturbed."""
    return train(config(), dataset, tmp_path_factory.mktemp("finished"), validation=dataset, report=lambda line: None)


def largest_difference(one, other):
    return max(np.abs(a - b).max() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_a_run_leaves_model_history_and_configuration_and_nothing_else(finished):
    assert sorted(os.listdir(finished.path.parent)) == ["config.json", "history.csv", "model.keras"]
    assert [row["epoch"] for row in finished.history] == [1, 2]
    assert {"loss", "top1", "val_loss", "val_top1", "seconds"} <= set(finished.history[0])
    written = json.loads((finished.path.parent / "config.json").read_text())
    assert written["config"]["seed"] == 3
    assert written["training"]["class_names"] == ["acme", "globex"]


def test_the_model_file_gives_the_answers_of_the_model(finished):
    from logo_keras.network import load

    images = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)
    answers = finished.model.predict(images, verbose=0), load(finished.path).predict(images, verbose=0)
    np.testing.assert_allclose(answers[0]["probabilities"], answers[1]["probabilities"], atol=1e-6)


# benchmarks/soak.py has more, and random moments.
KILLED = ("in the middle of an epoch", "inside validation", "between model and state.json")


@pytest.fixture(scope="module")
def killed(folder, tmp_path_factory):
    """How runs went that were killed, and gone on with."""
    script = os.path.join(os.path.dirname(__file__), "killed_run.py")
    command = [sys.executable, script, str(folder), str(tmp_path_factory.mktemp("killed")), *KILLED]
    process = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert process.stdout, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", KILLED)
def test_a_killed_run_goes_on_to_the_same_weights_optimizer_and_history_bit_for_bit(name, killed):
    places = dict(zip(KILLED, ("2, step 2 of 4", "2, step 4 of 4", "2, step 1 of 4"), strict=True))
    expected = {"ends": [-signal.SIGKILL, 0], "said": f"Going on after epoch {places[name]}.", "same": True, "differs": []}
    assert killed[name] == expected
    # So that the same is something.
    assert len(killed["undisturbed"]["history"]) == 3 and len(killed["undisturbed"]["weights"]) == 64


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory):
    return train(config(), dataset, tmp_path_factory.mktemp("undisturbed"), report=lambda line: None)


def test_other_seeds_give_other_weights(dataset, undisturbed, tmp_path):
    # So that the tests above compare something.
    other = train(config(seed=4), dataset, tmp_path, report=lambda line: None)
    assert largest_difference(other.model, undisturbed.model) > 1e-3


def test_what_a_killed_process_left_half_written_is_swept_away(dataset, tmp_path):
    partial = tmp_path / "unfinished" / ".partial-12345678-epoch-0001.keras"
    partial.parent.mkdir()
    partial.write_bytes(b"half")
    train(config(epochs=1), dataset, tmp_path, resume=True, report=lambda line: None)
    assert sorted(os.listdir(tmp_path)) == ["config.json", "history.csv", "model.keras"]


def stop_before(epoch_to_stop):
    import keras

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == epoch_to_stop:
                raise KeyboardInterrupt

    return Stop()


def quietly(*arguments, **options):
    return train(*arguments, report=lambda line: None, **options)


@pytest.fixture(scope="module")
def begun(dataset, tmp_path_factory):
    """The folder of a run that was stopped in its second epoch."""
    out = tmp_path_factory.mktemp("begun") / "run"
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, out, callbacks=[stop_before(1)])
    return out


@pytest.fixture
def stopped(begun, tmp_path):
    """A copy of it."""
    return shutil.copytree(begun, tmp_path / "run")


def test_an_unfinished_run_is_not_written_over(stopped, dataset):
    with pytest.raises(ValueError, match=r"unfinished run \(1 of 2 epochs\): go on with --resume"):
        train(config(), dataset, stopped)
    with pytest.raises(ValueError, match="other settings: batch_size was 6 and is 2.*--from .*epoch-0001.keras"):
        train(config(batch_size=2), dataset, stopped, resume=True)
    with pytest.raises(ValueError, match="photographs was 12 and is 5"):
        train(config(), dataset.subset(range(5)), stopped, resume=True)


def test_a_run_that_has_ended_is_not_repeated(finished, dataset):
    said = []
    again = train(config(), dataset, finished.path.parent, validation=dataset, resume=True, report=said.append)
    assert len(said) == 1 and "nothing to do" in said[0]
    assert again.history == finished.history
    assert largest_difference(again.model, finished.model) == 0


def test_a_full_disk_leaves_the_last_model_and_says_where(dataset, tmp_path):
    resource = pytest.importorskip("resource", reason="limits on file sizes are Unix's")
    import keras

    class Fill(keras.callbacks.Callback):
        """From the second epoch on no file may grow beyond a kilobyte: writing fails as on a full disk."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OSError, match="epoch 2 cannot be saved .* The model of epoch 1 is intact: ") as caught:
            train(config(), dataset, tmp_path, callbacks=[Fill()], report=lambda line: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert sorted(os.listdir(tmp_path / "unfinished")) == ["epoch-0001.keras", "state.json"]
    result = train(config(), dataset, tmp_path, resume=True, report=lambda line: None)
    assert len(result.history) == EPOCHS


def test_a_loss_that_is_no_number_leaves_the_last_model(dataset, tmp_path):
    import keras

    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                weight = self.model.trainable_variables[0]
                weight.assign(weight * np.nan)

    message = "whole_loss is nan since one of the steps 3 to 4 .*give it to --from.* The model of epoch 1 is intact: "
    with pytest.raises(FloatingPointError, match=message):
        train(config(), dataset, tmp_path, callbacks=[Break()], report=lambda line: None)
    assert sorted(os.listdir(tmp_path / "unfinished")) == ["epoch-0001.keras", "state.json"]


@pytest.fixture
def broken(folder, tmp_path):
    """The photographs with an empty file among them; the set and the path of that file."""
    root = tmp_path / "photographs"
    shutil.copytree(folder, root)
    empty = root / "acme" / "2.png"
    empty.write_bytes(b"")
    return datasets.load("folder", root), str(empty)


PAPERS = {"optimizer": "sgd", "learning_rate": 0.01, "clip": None, "warm_up_epochs": 1, "drops": (1, 2)}


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_the_papers_optimizer_goes_on_where_it_stopped(precision, dataset, tmp_path):
    settings = PAPERS | {"precision": precision, "epochs": 3}
    whole = train(config(**settings), dataset, tmp_path / "whole", report=lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        train(config(**settings), dataset, tmp_path / "parts", callbacks=[stop_before(2)], report=lambda line: None)
    parts = train(config(**settings), dataset, tmp_path / "parts", resume=True, report=lambda line: None)
    assert largest_difference(whole.model, parts.model) < (1e-5 if precision == "float32" else 2e-3)
    optimizer = getattr(parts.model.optimizer, "inner_optimizer", parts.model.optimizer)
    # Two steps an epoch: the rates of the run, whatever was stopped in between.
    rates = [float(optimizer._learning_rate(step)) for step in range(5)]
    assert rates == pytest.approx([0.01 / 2, 0.01, 1e-3, 1e-3, 1e-4])
    assert parts.model.extractor.get_layer("conv0").compute_dtype == precision.removeprefix("mixed_")


def test_the_card_of_a_run_stands_in_its_file(finished, dataset):
    from logo_keras.weights import model_card

    card = model_card.read(finished.path)
    assert (card["architecture"], card["recipe"], card["config"]["epochs"]) == ("Classifier", None, EPOCHS)
    assert card["figures"] == finished.history[-1]
    written = json.loads((finished.path.parent / "config.json").read_text())
    known = {name: written["training"][name] for name in ("sha256", "bytes")}
    assert card["data"]["training"] == {"split": None, "photographs": 12} | known
    assert card["data"]["classes"] == 2
    assert {"logo_keras", "tensorflow", "keras", "numpy"} <= set(card["packages"])


def test_the_card_names_recipe_and_data_and_no_folder(dataset, tmp_path):
    from logo_keras.weights import model_card

    data = {"kind": "folder", "root": "/home/someone", "train_split": "train", "validation": None}
    about = {"recipe": "logo2k_resnet50", "data": data}
    result = train(config(epochs=1), dataset, tmp_path, about=about, report=lambda line: None)
    card = model_card.read(result.path)
    assert (card["recipe"], card["data"]["kind"], card["data"]["training"]["split"]) == ("logo2k_resnet50", "folder", "train")
    assert "someone" not in json.dumps(card)


def test_what_a_model_knew_of_its_weights_stays_on_its_card(dataset, tmp_path):
    settings = config(epochs=1)
    weights = settings.build(dataset.class_names).card["weights"]
    assert train(settings, dataset, tmp_path, report=lambda line: None).model.card["weights"] == weights


def test_an_unreadable_photograph_is_named_and_left_out(broken, tmp_path):
    dataset, path = broken
    said = []
    # What is known of photos in other parts of the set is no matter of this run.
    dataset.log["/another/part/of/the/set.png"] = "the file is empty"
    result = train(config(epochs=1), dataset, tmp_path / "run", report=said.append)
    assert said[0] == f"left out: {path}: the file is empty"
    assert result.unreadable == {path: "the file is empty"}
    assert json.loads((tmp_path / "run" / "config.json").read_text())["unreadable"] == result.unreadable


# Of one batch, Keras reads it itself; later ones are read inside of TensorFlow, which wraps the error.
@pytest.mark.parametrize("batch_size", [12, 1])
def test_strict_stops_at_an_unreadable_photograph_and_names_it(broken, tmp_path, batch_size):
    dataset, path = broken
    dataset.log["/another/part/of/the/set.png"] = "the file is empty"
    with pytest.raises(UnreadablePhotograph, match="acme/2.png: the file is empty"):
        train(config(epochs=1, batch_size=batch_size), dataset, tmp_path / "run", strict=True)


def test_no_readable_photograph_is_an_error(broken, tmp_path):
    dataset, _ = broken
    for path in dataset.paths:
        os.truncate(path, 0)
    with pytest.raises(ValueError, match=f"none of the {len(dataset)} photos can be read, for instance .*the file is empty"):
        train(config(epochs=1), dataset, tmp_path / "run")


def test_best_keeps_the_epoch_with_the_highest_validation_top1(dataset, tmp_path):
    import keras

    class Spoil(keras.callbacks.Callback):
        """Makes the model useless before its last epoch is scored."""

        def on_epoch_begin(self, epoch, logs=None):
            self.spoil = epoch == EPOCHS - 1

        def on_test_begin(self, logs=None):
            if self.spoil:
                bias = self.model.whole_classifier.bias
                bias.assign([100.0, -100.0])

    result = train(
        config(keep="best"), dataset, tmp_path, validation=dataset.subset([0, 11, 10]), callbacks=[Spoil()],
        report=lambda line: None,
    )  # fmt: skip
    assert len(result.history) == EPOCHS
    assert np.abs(result.model.whole_classifier.get_weights()[1]).max() < 1


def test_best_needs_validation(dataset, tmp_path):
    with pytest.raises(ValueError, match="keep=.best. needs validation"):
        train(config(keep="best"), dataset, tmp_path)


@pytest.fixture
def boxed(dataset):
    """The photographs with a box in each."""
    import dataclasses

    return dataclasses.replace(dataset, boxes=[[(4, 4, 30, 40)]] * len(dataset))


def test_a_run_does_not_go_on_with_other_boxes(boxed, tmp_path):
    import dataclasses

    with pytest.raises(KeyboardInterrupt):
        quietly(config(), boxed.cut(0.1), tmp_path, callbacks=[stop_before(1)])
    with pytest.raises(ValueError, match=r"training photos: other boxes \(another --cut\?\)"):
        quietly(config(), boxed.cut(0.2), tmp_path, resume=True)
    with pytest.raises(ValueError, match="max_pixels was .* and is 5000"):
        quietly(config(), dataclasses.replace(boxed.cut(0.1), max_pixels=5000), tmp_path, resume=True)


def test_a_run_does_not_go_on_with_photographs_that_were_replaced(broken, tmp_path):
    dataset, path = broken
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, tmp_path / "run", callbacks=[stop_before(1)])
    photographs.write(Path(path), seed=7)
    with pytest.raises(ValueError, match=r"photos have changed \(bytes was \d+ and is \d+\)"):
        quietly(config(), datasets.load("folder", tmp_path / "photographs"), tmp_path / "run", resume=True)


def test_a_damaged_state_is_named(stopped, dataset):
    path = stopped / "unfinished" / "state.json"
    for text, reason in (("{}", "it lacks entries"), ("[]", "it lacks entries"), ("{", "Expecting property name")):
        path.write_text(text)
        with pytest.raises(ValueError, match=rf"state.json is damaged \({reason}.*--overwrite"):
            quietly(config(), dataset, stopped, resume=True)


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the folder of the finished run, and what its files hold."""
    out = shutil.copytree(finished.path.parent, tmp_path / "run")
    return out, {path.name: path.read_bytes() for path in out.iterdir()}


def test_a_finished_run_is_kept(copied, dataset):
    out, before = copied
    cases = [
        (config(), {}, "holds a finished run, whose model.keras is kept: choose another folder, or replace it with --overwrite"),
        (config(seed=4), {"resume": True}, "of other settings: seed was 3 and is 4. To train with these, choose another folder"),
        (config(epochs=4), {"resume": True}, "epochs was 2 and is 4.* To train it further, start from it: --from .*model.keras"),
    ]
    for settings, options, message in cases:
        with pytest.raises(ValueError, match=message):
            quietly(settings, dataset, out, validation=dataset, **options)
    with pytest.raises(ValueError, match="choose one of them"):
        quietly(config(), dataset, out, resume=True, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_model_of_which_nothing_is_known_is_kept(dataset, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"somebody's")
    for resume in (False, True):
        with pytest.raises(ValueError, match="whose model.keras is kept"):
            quietly(config(), dataset, tmp_path, resume=resume)
    assert (tmp_path / "model.keras").read_bytes() == b"somebody's"


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_whose_model_chose_its_frozen_blocks_goes_on_with_no_others(request, dataset, ended):
    out = request.getfixturevalue("copied")[0] if ended else request.getfixturevalue("stopped")
    asked = config(arguments=config().arguments | {"frozen_blocks": 1})
    with pytest.raises(ValueError, match="frozen_blocks was none and is 1"):
        quietly(asked, dataset, out, validation=dataset if ended else None, resume=True)


def test_overwrite_keeps_the_old_model_until_the_new_one_is_there(copied, dataset):
    out, before = copied
    with pytest.raises(KeyboardInterrupt):
        quietly(config(seed=4), dataset, out, overwrite=True, callbacks=[stop_before(1)])
    assert (out / "model.keras").read_bytes() == before["model.keras"]
    # The run that was begun with leave to overwrite goes on without being asked again.
    result = quietly(config(seed=4), dataset, out, resume=True)
    assert sorted(os.listdir(out)) == ["config.json", "history.csv", "model.keras"]
    assert (out / "model.keras").read_bytes() != before["model.keras"] and len(result.history) == EPOCHS


def test_overwrite_starts_anew_where_a_run_is_unfinished(stopped, dataset):
    result = quietly(config(epochs=1, seed=4), dataset, stopped, overwrite=True)
    assert len(result.history) == 1 and sorted(os.listdir(stopped)) == ["config.json", "history.csv", "model.keras"]


def test_one_run_at_a_time_writes_to_a_folder(stopped, dataset):
    from logo_keras.files import lock

    before = {path: path.read_bytes() for path in stopped.rglob("*.*") if path.is_file()}
    with lock(stopped / ".lock"):
        for options in ({"resume": True}, {"overwrite": True}):
            with pytest.raises(OSError, match="another run writes to .*: wait until it has ended, or choose another folder"):
                quietly(config(), dataset, stopped, **options)
    assert {path: path.read_bytes() for path in stopped.rglob("*.*") if path.is_file()} == before


def test_a_run_that_cannot_begin_leaves_no_folder(dataset, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no model nowhere.keras to start from"):
        quietly(config(), dataset, tmp_path / "run", start="nowhere.keras")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="file is a file"):
        quietly(config(), dataset, tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]


def weights_at_the_start(seen):
    import keras

    class Start(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(self.model.get_weights())

    return Start()


def test_a_run_starts_from_the_weights_of_a_file(finished, dataset, tmp_path):
    seen, said = [], []
    result = train(
        config(seed=8), dataset, tmp_path, start=finished.path, callbacks=[weights_at_the_start(seen)],
        report=said.append,
    )  # fmt: skip
    for one, other in zip(seen[0], finished.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert said[0] == f"Starting from the weights of {finished.path}."
    # A run of its own: the epochs, the optimizer and the rate begin anew.
    assert int(result.model.optimizer.iterations) == 4 and result.model.optimizer._learning_rate.start == 0
    before = result.model.card["start"]
    assert before["file"] == "model.keras" and len(before["sha256"]) == 64
    # The card tells how the file came about, too.
    assert before["config"] == finished.model.card["config"] and before["figures"] == finished.model.card["figures"]
    assert before["image_size"] == finished.model.image_size and "start" not in before


def test_classifiers_of_brands_that_a_file_does_not_know_start_anew(finished, dataset, tmp_path):
    import dataclasses

    seen, said = [], []
    names = ["globex", "initech", "acme"]
    wider = dataclasses.replace(dataset, class_names=names, labels=[2 - 2 * label for label in dataset.labels])
    train(config(epochs=1), wider, tmp_path, start=finished.path, callbacks=[weights_at_the_start(seen)], report=said.append)
    kernel, bias = seen[0][-2:]
    old_kernel, old_bias = finished.model.whole_classifier.get_weights()
    np.testing.assert_array_equal(kernel[:, [2, 0]], old_kernel)
    np.testing.assert_array_equal(bias[[2, 0]], old_bias)
    assert said[0].endswith("It does not know 1 of the 3 brands (initech): their classifiers start anew.")


def test_a_start_of_another_architecture_is_refused(finished, dataset, tmp_path):
    from tiny import tiny_backbone

    wider = config().arguments | {"backbone": tiny_backbone(12)}
    regions = config().arguments | {"region_size": 32, "image_size": 64, "whole_size": 32}
    cases = [
        ({"arguments": wider}, "has another architecture than this run"),
        ({"model": "nts", "arguments": regions}, "is a Classifier, and this run trains a NTSNet"),
    ]
    for changes, message in cases:
        with pytest.raises(ValueError, match=message):
            quietly(config(**changes), dataset, tmp_path / "run", start=finished.path)


def test_a_run_goes_on_though_the_file_that_it_started_from_is_gone(copied, dataset, tmp_path):
    start = copied[0] / "model.keras"
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, tmp_path / "second", start=start, callbacks=[stop_before(1)])
    with pytest.raises(ValueError, match="start was .* and is none"):
        quietly(config(), dataset, tmp_path / "second", resume=True)
    start.unlink()
    assert len(quietly(config(), dataset, tmp_path / "second", start=start, resume=True).history) == EPOCHS


def test_the_held_out_samples_are_listed_beside_every_model(dataset, tmp_path):
    record = {"schema_version": 1, "share": 0.3, "samples": []}
    with pytest.raises(KeyboardInterrupt):
        quietly(config(), dataset, tmp_path, held_out=record, callbacks=[stop_before(1)])
    assert json.loads((tmp_path / "unfinished" / "held_out.json").read_text()) == record
    quietly(config(), dataset, tmp_path, held_out=record, resume=True)
    assert json.loads((tmp_path / "held_out.json").read_text()) == record
    quietly(config(epochs=1), dataset, tmp_path, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["config.json", "history.csv", "model.keras"]


def test_an_unreadable_name_that_is_not_utf8_does_not_end_a_run(folder, tmp_path, capsys):
    root = shutil.copytree(folder, tmp_path / "photographs")
    with open(os.fsencode(root / "acme") + b"/caf\xe9.jpg", "wb") as file:
        file.write(b"broken")
    result = train(config(epochs=1), datasets.load("folder", root), tmp_path / "run")
    assert "caf\\udce9.jpg" in capsys.readouterr().out
    (name,) = result.unreadable
    assert os.fsencode(name).endswith(b"/caf\xe9.jpg")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["unreadable"] == result.unreadable
