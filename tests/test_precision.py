"""Mixed precision: 16 bits in the backbone, float32 where boxes, scores and probabilities are made."""

import keras
import numpy as np
import pytest
from tiny import tiny_backbone

import logo_keras as lk

SIZE = 96
REGIONS = {"image_size": SIZE, "region_size": 32, "num_proposals": 3, "num_regions": 2, "antialias": True}
MODELS = {
    "classifier": (lk.Classifier, {"image_size": SIZE}),
    "nts_net": (lk.NTSNet, REGIONS | {"whole_size": 64, "navigator_stride": 16, "decision": "mean"}),
    "drna_net": (
        lk.DRNANet,
        REGIONS | {"whole_size": SIZE, "navigator_stride": 32, "decision": "fused", "views": ("region", "crop", "drop")},
    ),
}
# DRNA-Net holds all that NTS-Net does, and a plain classifier nothing that computes otherwise in bfloat16.
CASES = (
    ("classifier", "mixed_float16"),
    ("nts_net", "mixed_bfloat16"),
    ("drna_net", "mixed_float16"),
    ("drna_net", "mixed_bfloat16"),
)
pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(autouse=True)
def restored_policy():
    """The process's own dtype policy after every test."""
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def make(name, policy, **options):
    cls, defaults = MODELS[name]
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(2)
    model = cls(num_classes=3, backbone=tiny_backbone(), weights=None, dropout=0.0, **(defaults | options))
    # The fixture `mixed` lives longer than that of a test.
    keras.config.set_dtype_policy(before)
    return model


def answers(model):
    """The model's outputs by name, as arrays."""
    return {name: np.asarray(value) for name, value in model(images(), training=False).items()}


def images(count=3):
    return np.random.RandomState(0).uniform(0, 255, (count, SIZE, SIZE, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def mixed(request):
    """The name, policy and model of each kind, what it said before training, and its losses of one step."""
    name, policy = request.param
    model = make(name, policy)
    before = answers(model)
    model.compile()
    return name, policy, model, before, model.fit(images(), np.arange(3), verbose=0).history


def test_one_step_has_finite_losses(mixed):
    _, _, model, _, history = mixed
    assert {f"{name}_loss" for name in model.loss_names} < history.keys()
    assert all(np.isfinite(values).all() for values in history.values())


def test_float16_alone_scales_the_loss(mixed):
    _, policy, model, *_ = mixed
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) is (policy == "mixed_float16")
    assert int(model.optimizer.iterations) == 1


def test_the_backbone_computes_in_16_bits_and_the_answers_are_float32(mixed):
    _, policy, model, before, _ = mixed
    assert model.extractor(np.zeros((1, 64, 64, 3), np.float32))["32"].dtype == policy.removeprefix("mixed_")
    assert all(value.dtype == np.float32 for value in before.values())
    np.testing.assert_allclose(before["probabilities"].sum(axis=-1), 1, atol=1e-6)


def test_all_variables_are_float32(mixed):
    _, _, model, *_ = mixed
    assert {variable.dtype for variable in model.weights} == {"float32"}


def test_boxes_lie_on_whole_px(mixed):
    _, _, model, before, _ = mixed
    assert ("region_boxes" in before) == ("region_boxes" in model.export_outputs)
    boxes = before.get("region_boxes", np.zeros((0, 4))).reshape(-1, 4)
    known = {tuple(box) for box in getattr(model, "boxes", boxes).tolist()}
    assert {tuple(box) for box in boxes.tolist()} <= known
    np.testing.assert_array_equal(boxes, np.floor(boxes))


@pytest.mark.parametrize(("name", "policy"), CASES)
def test_answers_are_close_to_float32(name, policy):
    # Regions that do not hang on scores: those of a fresh navigator lie closer than 16 bits tell apart.
    options = {} if name == "classifier" else {"navigation": "grid"}
    precise, mixed = make(name, "float32", **options), make(name, policy, **options)
    for ours, theirs in zip(mixed.weights, precise.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    wanted, found = (answers(model) for model in (precise, mixed))
    for output, value in wanted.items():
        np.testing.assert_allclose(found[output], value, atol=1e-1, err_msg=output)
    if "region_boxes" in wanted:
        np.testing.assert_array_equal(found["region_boxes"], wanted["region_boxes"])


def test_a_saved_file_loads_in_the_policy_of_the_process(mixed, tmp_path):
    _, policy, model, *_ = mixed
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy(policy)
    copy = lk.load(tmp_path / "model.keras")
    np.testing.assert_allclose(answers(copy)["probabilities"], answers(model)["probabilities"], atol=1e-5)
    keras.config.set_dtype_policy("float32")
    for ours, theirs in zip(lk.load(tmp_path / "model.keras").weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("process", ["mixed_float16", "float32"])
def test_training_goes_on_from_a_saved_file(tmp_path, process):
    model = make("classifier", "mixed_float16")
    model.compile()
    model.fit(images(), np.arange(3), verbose=0)
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy(process)
    copy = lk.load(tmp_path / "model.keras")
    assert np.isfinite(copy.fit(images(), np.arange(3), verbose=0).history["loss"]).all()
    assert int(copy.optimizer.iterations) == 2


def test_a_policy_given_to_a_model_is_that_of_its_backbone():
    model = lk.Classifier(num_classes=3, backbone="efficientnet_lite0", image_size=32, weights=None, dtype="mixed_bfloat16")
    assert model.extractor(np.zeros((1, 32, 32, 3), np.float32))["32"].dtype == "bfloat16"
    assert model(np.zeros((1, 32, 32, 3), np.float32))["probabilities"].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_the_schedule_of_a_scaled_optimizer_spans_the_run():
    model = make("classifier", "mixed_float16")
    model.compile()
    model.fit(images(2), np.arange(2), batch_size=1, epochs=2, verbose=0)
    assert model.optimizer.inner_optimizer._learning_rate.total == 4
