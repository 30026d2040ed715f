"""The ONNX file in a Triton server, asked over KServe v2 by eight clients at once (tests/clients/triton.py)."""

import json
import subprocess
import sys

import numpy as np
import pytest

from logo_keras.export import onnx
from logo_keras.export.check.reference import Reference
from logo_keras.export.check.verification import BOUNDS, LARGEST_SHARE
from logo_keras.export.served import opened

pytestmark = pytest.mark.slow
PROTOCOLS = ("http", "grpc")
# s. The client gives up by itself before that, and stops its server.
LIMIT = 330


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def python(clients):
    return clients.python("triton")


@pytest.fixture(scope="module")
def reference(small_model, small_photos):
    """What Keras says of 64 photographs."""
    return Reference(opened(small_model), sorted(small_photos.glob("*/*.jpg")))


@pytest.fixture(scope="module")
def model(python, reference, tmp_path_factory):
    """Path of the ONNX file."""
    path = tmp_path_factory.mktemp("triton") / "logo.onnx"
    onnx.export(reference.model, path, reference=reference)
    return path


@pytest.fixture(scope="module")
def ask(python, model, reference, root):
    """Function from flags of deploy/triton/repository.py to what the clients got from a server on such a repository."""
    images = model.with_name("images.npy")
    np.save(images, reference.images)

    def ask(name, *flags, arguments=()):
        models = model.with_name(name)
        script = root / "deploy" / "triton" / "repository.py"
        run(sys.executable, script, "--model", model, "--out", models, *flags)
        script = root / "tests" / "clients" / "triton.py"
        return json.loads(run(python, "-P", script, "--repository", models, "--images", images, *arguments))

    return ask


@pytest.fixture(scope="module")
def asked(ask, reference, root, monkeypatch_module):
    """Answers with dynamic batching, and what the page's example prints for the first photograph."""
    monkeypatch_module.setenv("PYTHONPATH", str(root))
    words = {"photo.jpg": str(reference.photographs[0]), "448": str(reference.model.image_size)}
    page = root / "deploy" / "triton" / "README.md"
    return ask("batched", arguments=("--page", page, "--replace", json.dumps(words)))


def run(*command):
    """What a command prints."""
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_triton_answers_every_photograph_as_keras_does(asked, reference, protocol):
    answers = {name: np.array(values) for name, values in asked[protocol]["answers"].items()}
    assert set(answers) == set(reference.names)
    difference = np.abs(answers["probabilities"] - reference.expected["probabilities"]).max(1)
    over = [number for number, value in enumerate(difference) if not value <= BOUNDS["float32"].difference]
    assert all(reference.tied(number) for number in over), difference[over]
    assert len(over) <= LARGEST_SHARE * len(reference)
    right = np.delete(np.arange(len(reference)), over)
    for name in ("region_boxes", "region_scores"):
        np.testing.assert_allclose(answers[name][right], reference.expected[name][right], atol=1e-3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_photographs_of_one_request_are_answered_in_their_order(asked, protocol):
    for name, values in asked[protocol]["together"].items():
        np.testing.assert_allclose(values, asked[protocol]["answers"][name][:3], atol=BOUNDS["float32"].difference)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_requests_of_several_clients_are_batched(asked, reference, protocol):
    found = asked[protocol]
    assert found["requests"] == found["inferences"] == len(reference)
    assert found["executions"] < found["inferences"]
    assert sum(int(size) * count for size, count in found["batches"].items()) == found["inferences"]
    assert 2 <= max(map(int, found["batches"])) <= 8


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_triton_names_the_classes(asked, reference, protocol):
    probabilities = reference.expected["probabilities"][0]
    best = np.argsort(-probabilities)[:3]
    for line, index in zip(asked[protocol]["classes"], best, strict=True):
        score, number, name = line.split(":", 2)
        assert float(score) == pytest.approx(probabilities[index], abs=BOUNDS["float32"].difference)
        assert (int(number), name) == (index, reference.model.class_names[index])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_pages_example_names_the_logo(asked, reference, protocol):
    best = np.argmax(reference.expected["probabilities"][0])
    first, *_, boxes = asked[protocol]["example"].split("\n", 3)
    assert first.startswith(reference.model.class_names[best])
    np.testing.assert_allclose(json.loads(boxes), reference.expected["region_boxes"][0], atol=1e-3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_triton_refuses_an_image_of_another_size(asked, reference, protocol):
    size = reference.model.image_size
    assert f"Expected [-1,{size},{size},3], got [1,8,8,3]" in asked[protocol]["refused"]


def test_without_dynamic_batching_each_request_runs_alone(ask, reference):
    for protocol, found in ask("alone", "--no-batching").items():
        if protocol in PROTOCOLS:
            assert found["executions"] == found["inferences"] == len(reference)


def test_tritons_own_schema_reads_every_config(python, model, root, tmp_path):
    """Also those that only a GPU or the official container can run."""
    script = root / "deploy" / "triton" / "repository.py"
    run(sys.executable, script, "--model", model, "--out", tmp_path / "models", "--backend", "onnxruntime", "--gpu")
    configs = [*(root / "deploy" / "triton").glob("*/logo/config.pbtxt"), tmp_path / "models" / "logo" / "config.pbtxt"]
    assert len(configs) == 3
    code = (
        "import sys; from google.protobuf import text_format; from tritonclient.grpc import model_config_pb2 as schema\n"
        "for path in sys.argv[1:]: print(text_format.Parse(open(path).read(), schema.ModelConfig()).backend)"
    )
    assert sorted(run(python, "-c", code, *configs).split()) == ["onnxruntime", "python", "tensorrt"]
