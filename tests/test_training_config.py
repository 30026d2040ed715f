"""The settings of a training run: what they refuse, and what they make of a model and its optimizer."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from tiny import tiny_run

from logo_keras.training import DEFAULTS, Config

PAPERS = {"optimizer": "sgd", "learning_rate": 0.01, "clip": None, "warm_up_epochs": 1, "drops": (1, 2)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": "vgg"},
            "model must be one of Classifier, NTSNet, DRNANet, LogoEmbedder, LogoDetector, plain, nts, drna, embedder, detector, "
            "got 'vgg'",
        ),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0, got nan"),
        ({"label_smoothing": 1}, r"label_smoothing must lie in \[0, 1\), got 1"),
        ({"keep": "first"}, "keep must be one of last, best, got 'first'"),
        ({"seed": 2**32}, "seed must be below"),
        ({"optimizer": "adam"}, "optimizer must be one of adamw, sgd, got 'adam'"),
        ({"precision": "float16"}, "precision must be one of float32, mixed_float16, mixed_bfloat16, got 'float16'"),
        ({"clip": 0}, "clip must be a number above 0, got 0"),
        ({"weight_decay": -1}, "weight_decay must be a number of at least 0, got -1"),
        ({"optimizer": "sgd", "momentum": 1}, r"momentum must lie in \[0, 1\), got 1"),
        ({"optimizer": "sgd", "drops": (3, 2)}, r"drops must be rising numbers of epochs, got \(3, 2\)"),
        ({"optimizer": "sgd", "warm_up_epochs": -1}, "warm_up_epochs must be an integer of at least 0, got -1"),
        ({"warm_up_epochs": 24}, "warm_up_epochs must be below epochs = 24, got 24"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be an integer of at least 1, got 0"),
        ({"momentum": 0.5, "drops": (3,)}, "momentum, drops can only be set with optimizer=.sgd."),
        ({"loss_weights": {"whole": -1}}, "the weight of the loss whole must be a number of at least 0, got -1"),
        ({"zero_gamma": True}, "zero_gamma needs weights=None"),
    ],
)
def test_bad_configurations_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(DEFAULTS["plain"], **changes)


@pytest.mark.parametrize("model", ["Classifier", "NTSNet", "DRNANet"])
def test_a_run_builds_its_model_with_the_arguments_that_it_records(model):
    from tiny import tiny_backbone

    config = dataclasses.replace(DEFAULTS[model], arguments={"backbone": tiny_backbone(), "frozen_blocks": 2})
    built = config.build(["acme", "globex"])
    assert type(built).__name__ == model
    kept, recorded = built.get_config(), config.to_dict()["arguments"]
    assert recorded["frozen_blocks"] == 2 and "tiny" in recorded["backbone"]
    for name in set(recorded) - {"backbone"}:
        assert np.array_equal(kept[name], recorded[name]) or recorded[name] is None, name


def test_a_model_is_named_by_its_class_and_short_names_stand_for_it():
    for short, name in {"plain": "Classifier", "nts": "NTSNet", "drna": "DRNANet"}.items():
        assert Config(short) == Config(name) == DEFAULTS[short] == DEFAULTS[name]
        assert Config(short).model == name and Config(name).short_name == short


def test_arguments_are_those_that_differ_from_the_constructors_defaults():
    usual = Config("drna").all_arguments
    assert Config("drna").arguments == {} == Config("drna", usual).arguments
    # A list, as flags and JSON hold it, is the same value.
    config = Config("drna", {"views": ["crop", "drop"], "num_regions": 1, "strange": 3})
    assert config.arguments == {"num_regions": 1, "strange": 3}
    assert config.all_arguments == usual | {"num_regions": 1, "strange": 3}


def test_the_default_optimizer_is_that_of_compile():
    from logo_keras.network.optimizers import default_optimizer

    optimizer = tiny_run().build(["acme", "globex"]).optimizer
    assert type(optimizer) is type(default_optimizer())
    ours, theirs = optimizer.get_config(), default_optimizer().get_config()
    assert ours.pop("learning_rate")["config"] == theirs.pop("learning_rate")["config"]
    # Keras counts names.
    assert ours | {"name": ""} == theirs | {"name": ""}


def test_the_papers_optimizer_has_the_settings_of_the_run():
    from logo_keras.network.optimizers import EpochSteps, TorchSGD

    changes = {"weight_decay": 1e-3, "momentum": 0.8, "decay_norms": False, "clip": 2.0}
    optimizer = tiny_run(**PAPERS | changes).build(["acme", "globex"]).optimizer
    assert isinstance(optimizer, TorchSGD) and isinstance(optimizer._learning_rate, EpochSteps)
    assert (optimizer.l2, optimizer.momentum, optimizer.decay_norms, optimizer.global_clipnorm) == (1e-3, 0.8, False, 2.0)
    schedule = optimizer._learning_rate
    assert (schedule.rate, schedule.warm_up_epochs, schedule.drops, schedule.factor) == (0.01, 1, (1, 2), 0.1)


@pytest.mark.parametrize(("precision", "dtype"), [("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16")])
def test_the_backbone_computes_in_the_precision_and_the_heads_in_float32(precision, dtype):
    import keras

    before = keras.config.dtype_policy()
    model = tiny_run(precision=precision).build(["acme", "globex"])
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    maps = model.extractor(model.normalize(images))
    assert {keras.backend.standardize_dtype(level.dtype) for level in maps.values()} == {dtype}
    answers = model(images)["probabilities"]
    assert keras.backend.standardize_dtype(answers.dtype) == "float32"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (precision == "mixed_float16")
    assert keras.config.dtype_policy() is before
    # Rounded, and otherwise the same network.
    exact = tiny_run().build(["acme", "globex"])(images)["probabilities"]
    difference = float(np.abs(np.asarray(exact) - np.asarray(answers)).max())
    assert 0 < difference < 0.02


def test_zero_gamma_starts_the_named_norms_at_zero_and_no_other():
    from tiny import tiny_backbone

    def gammas(names):
        backbone = dataclasses.replace(tiny_backbone(), residual_norms=names)
        arguments = {"backbone": backbone, "image_size": 32, "weights": None}
        model = tiny_run(arguments=arguments, zero_gamma=True).build(["acme", "globex"])
        return [float(np.abs(model.extractor.get_layer(f"norm{number}").gamma).max()) for number in range(5)]

    assert gammas(("norm2", "norm4")) == [1, 1, 0, 1, 0]
    with pytest.raises(ValueError, match="zero_gamma needs a backbone with residual branches"):
        gammas(())


def test_loss_weights_reach_the_model_and_unknown_names_are_refused():
    assert tiny_run(loss_weights={"whole": 0.5}).build(["acme", "globex"]).loss_weights == {"whole": 0.5}
    with pytest.raises(ValueError, match="loss_weights may name whole, got rankin"):
        tiny_run(loss_weights={"rankin": 0.5}).build(["acme", "globex"])


def test_without_keras_the_extra_is_named():
    code = """
import sys
sys.modules["keras"] = sys.modules["tensorflow"] = None
from logo_keras.training import DEFAULTS
DEFAULTS["plain"].build(["acme", "globex"])
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "needs keras, which is not installed: pip install 'logo_keras[train]'" in process.stderr


def test_settings_of_a_run_become_json_and_back():
    values = tiny_run(**PAPERS, loss_weights={"whole": 0.5}).to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["drops"] == [1, 2] and values["loss_weights"] == {"whole": 0.5}
