"""`logo-calibrate` as a user runs it: what it prints and writes, and what it refuses in one line."""

import json
import shutil

import photographs
import pytest

from logo_keras.commands import calibrate, train
from logo_keras.network import load

pytestmark = pytest.mark.usefixtures("eager")
TINY = ("--model=plain", "--data=folder", "--backbone=tiny", "--epochs=1", "--batch_size=4", "--weights=none", "--image_size=64")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Photos of two brands, in two parts, and of none."""
    return photographs.two_brands_and_none(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def tiny():
    """The backbone name "tiny", for the time of these tests."""
    from tiny import tiny_backbone

    from logo_keras import backbones

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbones._BUILDERS, "tiny", lambda weights: tiny_backbone())
        yield


@pytest.fixture(scope="module")
def trained(root, tiny, tmp_path_factory):
    """The model of a run without validation photos."""
    out = tmp_path_factory.mktemp("run")
    assert command(train, *TINY, f"--root={root}", "--validation=none", f"--out={out}") == 0
    return out / "model.keras"


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copy(trained, tmp_path / "model.keras")


def command(module, *arguments):
    return module.main(["program", *map(str, arguments)])


def fit(model, root, *arguments):
    return command(calibrate, f"--model={model}", "--data=folder", f"--root={root}", *arguments)


def test_it_writes_the_model_anew_and_says_what_it_found(model, root, tmp_path, capsys):
    out = tmp_path / "found.json"
    assert fit(model, root, f"--negatives={root / 'none'}", f"--json={out}") == 0
    found, again = json.loads(out.read_text()), load(model)
    assert (again.temperature, again.threshold) == (found["temperature"], found["threshold"])
    assert again.calibration.items() <= found.items()
    text = capsys.readouterr().out
    assert "8 photographs with a brand, 4 without; few" in text
    for row in ("temperature ", "threshold ", "calibration error (ECE)", "negative log-likelihood", "fitted ", "keep 0.8"):
        assert f"\n{row}" in text


def test_without_negatives_it_says_what_is_not_known(model, root, capsys):
    assert fit(model, root, "--keep=0.5") == 0
    assert "How many photographs without a brand are taken for one is not known" in capsys.readouterr().out
    assert load(model).calibration["true_accepts"] >= 0.5


def test_a_share_is_the_one_that_the_run_took(root, tiny, tmp_path, capsys):
    assert command(train, *TINY, f"--root={root}", "--validation=0.5", "--seed=7", f"--out={tmp_path}") == 0
    first = load(tmp_path / "model.keras")
    # Nothing named: what the run took.
    assert fit(tmp_path / "model.keras", root) == 0
    again = load(tmp_path / "model.keras")
    assert again.calibration["fitted_on"] == first.card["calibration"]["fitted_on"]
    assert (again.temperature, again.threshold) == pytest.approx((first.temperature, first.threshold), rel=1e-3)
    capsys.readouterr()
    assert fit(tmp_path / "model.keras", root, "--split=0.25") == 1
    assert "has not learnt from what --split 0.25 leaves" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--split=train"], "has learnt from the photographs of train"),
        (["--split=none"], "photographs without a brand"),
        (["--split=gone"], "gone"),
        (["--keep=2"], "keep must be a share between 0 and 1, got 2.0"),
        (["--negatives=ROOT/validation"], "8 of the negatives are validation photos"),
        (["--negatives=ROOT/gone"], "no such file or folder"),
        (["--model=model.tflite"], "a .keras file is calibrated, got model.tflite"),
        (["--model=gone.keras"], "there is no model gone.keras"),
    ],
)
def test_what_cannot_be_fitted_is_one_line_and_changes_nothing(arguments, message, model, root, capsys):
    before = (model).read_bytes()
    assert fit(model, root, *(argument.replace("ROOT", str(root)) for argument in arguments)) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("logo-calibrate: ") and message in line
    assert model.read_bytes() == before


def test_other_brands_are_refused(model, tmp_path, capsys):
    for number, brand in enumerate(("acme", "initech")):
        photographs.write(tmp_path / "set" / "validation" / brand / "0.png", seed=number)
    assert fit(model, tmp_path / "set") == 1
    assert "with other names: only in the data set: 'initech'" in capsys.readouterr().err


def test_train_takes_negatives(root, tiny, tmp_path, capsys):
    assert command(train, *TINY, f"--root={root}", f"--negatives={root / 'none'}", f"--out={tmp_path}") == 0
    assert "of 4 photos without a known brand through" in capsys.readouterr().out
    assert load(tmp_path / "model.keras").calibration["negatives"] == 4


def test_a_full_disk_leaves_the_model_as_it_was(model, root, capsys):
    resource = pytest.importorskip("resource", reason="limits on file sizes are Unix's")
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), model.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        assert fit(model, root) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"{model} cannot be written: " in capsys.readouterr().err
    assert model.read_bytes() == before
