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
        ({"momentum": 0.5, "decay_norms": False}, "momentum, decay_norms can only be set with optimizer=.sgd."),
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


def made(**changes):
    """The optimizer of a run."""
    return Config("plain", **changes)._make_optimizer()


def test_averages_added_up_gradients_and_rates_of_blocks_reach_both_optimizers():
    for name in ("adamw", "sgd"):
        optimizer = made(optimizer=name, ema=0.99, accumulation=4, layer_decay=0.75)
        assert (optimizer.use_ema, optimizer.ema_momentum, optimizer.layer_decay) == (True, 0.99, 0.75)
        assert optimizer.gradient_accumulation_steps == 4
        plain = made(optimizer=name)
        assert (plain.use_ema, plain.gradient_accumulation_steps, plain.layer_decay) == (False, None, 1)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_schedule_goes_with_every_optimizer(optimizer):
    def rates(schedule, **changes):
        made_of = made(optimizer=optimizer, schedule=schedule, learning_rate=1.0, epochs=4, **changes)._learning_rate
        made_of.span(0, 8, 4)
        return [round(float(made_of(step)), 3) for step in (0, 3, 4, 7)]

    # By hand: cosines of quarters of pi behind a warm-up of two epochs, of eighths without, of 80 and 105 degrees behind a tenth.
    assert rates("constant") == [1, 1, 1, 1]
    assert rates("constant", warm_up_epochs=2) == [0.25, 1, 1, 1]
    assert rates("steps", drops=(2, 3)) == [1, 1, 0.1, 0.01]
    assert rates("cosine", warm_up_epochs=2) == [0.25, 1, 0.854, 0]
    assert rates("cosine")[1:] == {"adamw": [0.587, 0.371, 0], "sgd": [0.5, 0.309, 0]}[optimizer]


def test_a_schedule_that_is_not_named_is_that_of_the_optimizer():
    assert [Config("plain", optimizer=name).falls for name in ("adamw", "sgd")] == ["cosine", "steps"]
    assert Config("plain", optimizer="sgd", schedule="cosine").falls == "cosine"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ema": 1.0}, r"ema must lie in \(0, 1\), got 1.0"),
        ({"ema": 0.0}, r"ema must lie in \(0, 1\), got 0.0"),
        ({"layer_decay": 0.0}, r"layer_decay must lie in \(0, 1\], got 0.0"),
        ({"accumulation": 0}, "accumulation must be"),
        ({"accumulation": 5, "steps_per_epoch": 4}, "accumulation must be at most steps_per_epoch = 4"),
        ({"early_stopping": 0}, "early_stopping must be"),
        ({"schedule": "linear"}, "schedule must be"),
        ({"drops": (3,)}, 'drops can only be set with schedule="steps", got'),
        ({"drops": (3,), "optimizer": "sgd", "schedule": "constant"}, 'drops can only be set with schedule="steps"'),
        ({"schedule": "cosine", "optimizer": "sgd", "epochs": 2, "warm_up_epochs": 2}, "warm_up_epochs must be below epochs"),
    ],
)
def test_settings_that_make_no_run_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Config("plain", **changes)
