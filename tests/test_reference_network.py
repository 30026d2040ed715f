"""The whole public NTS-Net (ResNet-50, 200 classes, M = 6, K = 4), forward and backward, on the weights of a recipe.

On TensorFlow; test_jax.py does the same on JAX.
"""

import numpy as np
import pytest
import reference_network


@pytest.fixture(scope="module")
def built():
    return reference_network.build()


def test_all_336_entries_are_imported(built):
    _, report = built
    counters = sum(name.endswith("num_batches_tracked") for name in reference_network.checkpoint())
    assert len(report.loaded) == 336 - counters
    assert not report.skipped and not report.missing


def test_evaluation_mode_equals_the_public_code(built):
    reference_network.check_evaluation(reference_network.run(built[0], training=False))


def test_predict_and_evaluate_say_what_a_call_says(built):
    model, _ = built
    reference = reference_network.REFERENCE
    fused = model.predict(reference_network.pixels(), batch_size=2, verbose=0)["fused_logits"]
    np.testing.assert_allclose(fused, reference["eval_fused_logits"], atol=1e-4)
    found = model.evaluate(reference_network.pixels(), reference_network.LABELS, batch_size=2, verbose=0, return_dict=True)
    losses = [found[f"{name}_loss"] for name in reference_network.LOSSES]
    np.testing.assert_allclose(losses, reference["eval_losses"], rtol=1e-4)


def test_training_mode_equals_the_public_code(built):
    """The last test of the file: it moves the running statistics."""
    reference_network.check_training(reference_network.run(built[0], training=True))
