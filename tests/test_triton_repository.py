"""The model repository for Triton (deploy/triton), without Triton."""

import importlib.util
import json
import sys
import types

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

NAMES = ["Löwenbräu", "two\nlines", 'a "quoted" one']
SIZE = 4


def module(path, name):
    """A script of deploy/triton as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def repository(root):
    return module(root / "deploy" / "triton" / "repository.py", "triton_repository")


def network(batch="batch", metadata=None):
    """An ONNX model whose probabilities are the mean colour, and whose region_scores are twice that."""
    values = {
        name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [batch, *shape])
        for name, shape in {"images": [SIZE, SIZE, 3], "probabilities": [3], "region_scores": [3]}.items()
    }
    nodes = [
        onnx.helper.make_node("ReduceMean", ["images"], ["probabilities"], axes=[1, 2], keepdims=0),
        onnx.helper.make_node("Add", ["probabilities", "probabilities"], ["region_scores"]),
    ]
    graph = onnx.helper.make_graph(nodes, "g", [values["images"]], [values["probabilities"], values["region_scores"]])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.helper.set_model_props(
        model, {"class_names": json.dumps(NAMES), "preprocessing": "stretch"} if metadata is None else metadata
    )
    return model


@pytest.fixture
def saved(tmp_path):
    """Function that saves a `network` and returns its path."""

    def save(**settings):
        onnx.save(network(**settings), tmp_path / "logo.onnx")
        return tmp_path / "logo.onnx"

    return save


def words(text):
    """The text of a config.pbtxt without its comment, spaces made alike."""
    return " ".join(line for line in text.splitlines() if not line.startswith("#")).split()


def test_config_says_what_the_onnx_file_takes_and_gives(repository, saved, tmp_path):
    folder = repository.write(saved(), tmp_path / "models", max_batch=5, delay=300, instances=2, threads=3)
    expected = """name: "logo" backend: "python" max_batch_size: 5
    input [ { name: "images" data_type: TYPE_FP32 dims: [ 4, 4, 3 ] } ]
    output [ { name: "probabilities" data_type: TYPE_FP32 dims: [ 3 ] label_filename: "labels.txt" },
             { name: "region_scores" data_type: TYPE_FP32 dims: [ 3 ] } ]
    instance_group [ { count: 2 kind: KIND_CPU } ]
    dynamic_batching { max_queue_delay_microseconds: 300 }
    parameters { key: "preprocessing" value: { string_value: "stretch" } }
    parameters { key: "intra_op_thread_count" value: { string_value: "3" } }
    parameters { key: "session.intra_op.allow_spinning" value: { string_value: "0" } }"""
    assert words((folder / "config.pbtxt").read_text(encoding="utf-8")) == expected.split()


def test_the_threshold_of_a_calibrated_model_is_a_parameter(repository, saved, tmp_path):
    said = {"class_names": json.dumps(NAMES), "preprocessing": "stretch", "logo_keras.json": '{"threshold": 0.31}'}
    model = saved(metadata=said)
    (tmp_path / "logo.plan").write_bytes(b"engine")
    facts = {"inputs": [], "outputs": [], "metadata": {"class_names": NAMES, "preprocessing": "stretch", "threshold": 0.31}}
    (tmp_path / "logo.plan.json").write_text(json.dumps(facts))
    for path in (model, tmp_path / "logo.plan"):
        assert repository.described(path)["threshold"] == 0.31
    text = repository.config(repository.described(model), "onnxruntime")
    assert 'parameters { key: "threshold" value: { string_value: "0.31" } }' in text
    assert "threshold" not in repository.config(repository.described(saved()), "onnxruntime")


def test_repository_holds_the_model_its_labels_and_the_code_that_runs_it(repository, saved, tmp_path, root):
    model = saved()
    folder = repository.write(model, tmp_path / "models", name="brands")
    assert folder == tmp_path / "models" / "brands"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "config.pbtxt",
        "labels.txt",
        "1/model.onnx",
        "1/model.py",
    }
    assert (folder / "1" / "model.onnx").read_bytes() == model.read_bytes()
    assert (folder / "1" / "model.py").read_bytes() == (root / "deploy/triton/cpu/logo/1/model.py").read_bytes()
    # One name a line, or every label behind it would name the wrong class.
    assert (folder / "labels.txt").read_text(encoding="utf-8") == 'Löwenbräu\ntwo lines\na "quoted" one\n'


def test_model_of_a_fixed_batch_is_served_as_it_is(repository, saved):
    text = repository.config(repository.described(saved(batch=1)), "onnxruntime", gpu=True)
    assert "max_batch_size: 0\n" in text and "dims: [ 1, 4, 4, 3 ]" in text and "kind: KIND_GPU" in text
    assert "dynamic_batching" not in text


def test_no_delay_and_no_batching_are_two_things(repository, saved):
    facts = repository.described(saved())
    assert "dynamic_batching { max_queue_delay_microseconds: 0 }" in repository.config(facts, "python", delay=0)
    assert "dynamic_batching" not in repository.config(facts, "python", delay=None)


def test_engine_is_described_by_the_json_file_beside_it(repository, tmp_path):
    engine, beside = tmp_path / "logo.engine", tmp_path / "logo.engine.json"
    engine.write_bytes(b"engine")
    with pytest.raises(FileNotFoundError, match="logo.engine.json"):
        repository.write(engine, tmp_path / "models", "tensorrt")
    facts = {
        "inputs": [{"name": "images", "shape": [1, 8, 8, 3], "dtype": "float32", "description": "RGB"}],
        "outputs": [{"name": "probabilities", "shape": [1, 3], "dtype": "float32", "description": ""}],
        "metadata": {"class_names": NAMES, "preprocessing": "paper", "image_size": 8},
    }
    beside.write_text(json.dumps(facts))
    folder = repository.write(engine, tmp_path / "models", "tensorrt")
    text = (folder / "config.pbtxt").read_text()
    assert 'backend: "tensorrt"' in text and "dims: [ 1, 8, 8, 3 ]" in text and "KIND_GPU" in text
    assert "thread" not in text and 'string_value: "paper"' in text
    assert (folder / "1" / "model.plan").read_bytes() == b"engine"


@pytest.mark.parametrize(("largest", "expected"), [(4, 4), (32, 8), (None, 8)])
def test_no_batch_is_larger_than_the_engine_was_built_for(repository, saved, largest, expected):
    facts = repository.described(saved()) | {"largest_batch": largest}
    assert f"max_batch_size: {expected}\n" in repository.config(facts, "tensorrt")


@pytest.mark.parametrize(("where", "backend"), [("cpu", "python"), ("gpu", "tensorrt")])
def test_committed_repositories_are_what_the_script_writes(repository, root, where, backend):
    folder = root / "deploy" / "triton" / where / "logo"
    names = (folder / "labels.txt").read_text(encoding="utf-8").splitlines()
    batch = None if where == "cpu" else 1
    shapes = {"images": [448, 448, 3], "probabilities": [len(names)], "region_boxes": [2, 4], "region_scores": [2]}
    tensors = [{"name": name, "dtype": "float32", "shape": [batch, *shape]} for name, shape in shapes.items()]
    facts = {"inputs": tensors[:1], "outputs": tensors[1:], "class_names": names, "preprocessing": "stretch"}
    assert (folder / "config.pbtxt").read_text(encoding="utf-8") == repository.config(facts, backend)
    assert (folder / "labels.txt").read_text(encoding="utf-8") == repository.labels(facts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "caffe"}, "backend must be one of python, onnxruntime, tensorrt, got 'caffe'"),
        ({"gpu": True}, "the Python backend here runs on the processor"),
        ({"max_batch": 0}, "max_batch must be an integer of at least 1, got 0"),
        ({"delay": -1}, "delay must be an integer of at least 0, got -1"),
        ({"instances": 0}, "instances must be an integer of at least 1, got 0"),
        ({"threads": -2}, "threads must be an integer of at least 0, got -2"),
        ({"name": "../logo"}, "name must be a folder's name, got '../logo'"),
    ],
)
def test_settings_out_of_range_are_refused_and_nothing_is_written(repository, saved, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        repository.write(saved(), tmp_path / "models", **settings)
    assert not (tmp_path / "models").exists()


def test_files_that_are_no_model_of_ours_are_refused(repository, saved, tmp_path):
    with pytest.raises(ValueError, match="metadata has no class_names, preprocessing: write it with logo-export-onnx"):
        repository.described(saved(metadata={}))
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match="broken.onnx: onnxruntime cannot open it"):
        repository.described(tmp_path / "broken.onnx")
    with pytest.raises(FileNotFoundError, match="none.onnx"):
        repository.described(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "no json",
        "null",
        "[" * 100_000,
        '{"metadata": []}',
        '{"metadata": {"class_names": "ab", "preprocessing": "stretch"}}',
    ],
)
def test_a_description_of_other_names_or_types_is_refused_by_name(repository, tmp_path, text):
    (tmp_path / "logo.engine").write_bytes(b"engine")
    (tmp_path / "logo.engine.json").write_text(text)
    with pytest.raises(ValueError, match="logo.engine.json: damaged, or not of an export command"):
        repository.described(tmp_path / "logo.engine")


def test_a_class_name_that_is_no_utf_8_ends_nothing(repository, saved, tmp_path):
    # As a folder of such a name gives it, escaped in JSON.
    model = saved(metadata={"class_names": json.dumps(["caf\udce9", "a", "b"]), "preprocessing": "stretch"})
    folder = repository.write(model, tmp_path / "models")
    assert (folder / "labels.txt").read_text(encoding="utf-8").splitlines()[0] == "caf\\udce9"


def test_a_model_that_is_there_is_not_overwritten(repository, saved, tmp_path, capsys):
    arguments = ["repository.py", "--model", str(saved()), "--out", str(tmp_path / "models"), "--no-batching", "--max-batch=4"]
    assert repository.main(arguments) == 0
    assert "dynamic_batching" not in (tmp_path / "models" / "logo" / "config.pbtxt").read_text(encoding="utf-8")
    assert repository.main(arguments) == 1
    assert "exists" in capsys.readouterr().err


def test_python_backend_answers_a_batch_as_it_answers_each_request(repository, saved, tmp_path, root, monkeypatch):
    """Requests of 1, 3 and 2 photographs become one call, and each gets its own rows and the outputs it asked for."""
    triton = types.SimpleNamespace(
        get_input_tensor_by_name=lambda request, name: types.SimpleNamespace(as_numpy=lambda: request.tensors[name]),
        Tensor=lambda name, values: (name, values),
        InferenceResponse=dict,
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", triton)
    folder = repository.write(saved(), tmp_path / "models", threads=1)
    model = module(folder / "1" / "model.py", "triton_model").TritonPythonModel()
    config = {
        "input": [{"name": "images"}],
        "output": [{"name": "probabilities"}, {"name": "region_scores"}],
        "parameters": {
            "intra_op_thread_count": {"string_value": "1"},
            "session.intra_op.allow_spinning": {"string_value": "0"},
            "preprocessing": {"string_value": "stretch"},
        },
    }
    model.initialize({"model_config": json.dumps(config), "model_repository": str(folder), "model_version": "1"})
    random = np.random.default_rng(0)
    wanted = [["probabilities", "region_scores"], ["region_scores"], ["probabilities"]]
    images = [random.uniform(0, 255, (count, SIZE, SIZE, 3)).astype(np.float32) for count in (1, 3, 2)]
    calls = []
    run = model._session.run
    model._session = types.SimpleNamespace(run=lambda names, feeds: calls.append(1) or run(names, feeds))
    requests = [
        types.SimpleNamespace(tensors={"images": values}, requested_output_names=lambda names=names: names)
        for values, names in zip(images, wanted, strict=True)
    ]
    responses = model.execute(requests)
    assert len(calls) == 1
    for values, names, response in zip(images, wanted, responses, strict=True):
        assert list(response) == names
        for name in names:
            expected = values.mean((1, 2)) * (2 if name == "region_scores" else 1)
            np.testing.assert_allclose(response[name], expected, rtol=1e-5)


def test_server_that_is_not_installed_is_named(root, tmp_path, capsys):
    serve = module(root / "deploy" / "triton" / "serve.py", "triton_serve")
    if importlib.util.find_spec("pytriton"):
        pytest.skip("this environment has the server")
    assert serve.main([str(tmp_path)]) == 1
    assert "requirements/clients/triton.txt" in capsys.readouterr().err
    assert serve.main([str(tmp_path / "none")]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_an_embedder_has_no_labels_and_a_number_an_image_has_a_dim(repository, tmp_path):
    from edge_files import EMBEDDER, EMBEDDING, write

    folder = repository.write(write(tmp_path / "marks.onnx", EMBEDDER, outputs=EMBEDDING), tmp_path / "models")
    text = (folder / "config.pbtxt").read_text()
    assert 'name: "embedding"\n    data_type: TYPE_FP32\n    dims: [ 3 ]\n  }' in text
    assert 'name: "objectness"\n    data_type: TYPE_FP32\n    dims: [ 1 ]\n    reshape: { shape: [ ] }' in text
    assert not (folder / "labels.txt").exists()
