"""Writes a model repository for Triton from an exported model.

python deploy/triton/repository.py --model logo.onnx --out models
python deploy/triton/repository.py --model logo.plan --out models --backend tensorrt

Runs where logo_keras is installed; of its extras it needs [onnx] for ONNX files, none for TensorRT.
"""

import json
import shutil
import tempfile
from pathlib import Path

from logo_keras.arguments import one_of, whole
from logo_keras.commands.command import Command, no_arguments
from logo_keras.edge.model_file import METADATA_NAME
from logo_keras.errors import UserError
from logo_keras.extras import require

# Backend of Triton: the name that it wants the model's file to have, and where it runs unless told otherwise.
BACKENDS = {"python": ("model.onnx", "cpu"), "onnxruntime": ("model.onnx", "cpu"), "tensorrt": ("model.plan", "gpu")}
TYPES = {"float32": "FP32", "float16": "FP16", "uint8": "UINT8", "int8": "INT8", "int32": "INT32", "int64": "INT64"}
# The Python backend's half of the repository.
MODEL_PY = Path(__file__).parent / "cpu" / "logo" / "1" / "model.py"

# benchmarks/results/triton.md has what these two give on a processor.
MAX_BATCH = 8
DELAY = 2000


def described(model):
    """Reads what an exported file takes and gives.

    Args:
        model: Path of an ONNX file that logo-export-onnx wrote, or of another file with `<file>.json` beside it, as every
            export command leaves it.

    Returns:
        dict of `inputs` and `outputs` (lists of dicts with `name`, `dtype`, and `shape`, a list whose free entries are
        None), `class_names` (list of str), `preprocessing` (str), `threshold` (float, the lowest probability of the likeliest
        class with which it counts as known, or None) and `largest_batch` (int, what an engine with a free batch was built for,
        or None).

    Raises:
        ValueError: if the file says nothing of its classes, or has a type that Triton has no name for.
        FileNotFoundError: if the file, or the JSON file beside it, is not there.
        MissingExtra: if an ONNX file is to be read without onnxruntime.
    """
    if not model.is_file():
        raise FileNotFoundError(f"{model}: no such file.")
    said = model
    if model.suffix != ".onnx":
        said = model.with_name(f"{model.name}.json")
        if not said.is_file():
            raise FileNotFoundError(f"{said}: not there; the export command writes it beside the model: copy both.")
    try:
        facts = _of_onnx(model) if said is model else _of_json(said)
        tensors = {
            kind: [{"name": t["name"], "dtype": _type(t), "shape": [_length(n) for n in t["shape"]]} for t in facts[kind]]
            for kind in ("inputs", "outputs")
        }
        names = facts["class_names"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError("class_names is no list of text")
        return {
            **tensors,
            "class_names": names,
            "preprocessing": str(facts["preprocessing"]),
            # Of an embedder it is of other numbers.
            "threshold": float(facts["threshold"]) if names and facts.get("threshold") is not None else None,
            "largest_batch": facts.get("largest_batch"),
        }
    # JSON of other names and types than an export command writes, or none.
    except (AttributeError, KeyError, RecursionError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{said}: damaged, or not of an export command ({error!r}): export the model again.") from error


def config(facts, backend, name="logo", gpu=False, max_batch=MAX_BATCH, delay=DELAY, instances=1, threads=0, spinning=False):
    """Writes config.pbtxt.

    Args:
        facts: dict that `described` gave.
        backend: str, "python", "onnxruntime" or "tensorrt".
        name: str, the model's name on the server.
        gpu: bool, run on the GPU; TensorRT always does.
        max_batch: int, photographs that the server may run at once; fewer where an engine was built for fewer. A file with a
            fixed batch runs that many, always.
        delay: int, microseconds that a request may wait for others to join its batch; None switches dynamic batching off.
        instances: int, copies of the model that run at the same time.
        threads: int, threads of one onnxruntime call; 0: as many as there are cores.
        spinning: bool, onnxruntime's threads keep a core busy while they wait for work (Python backend alone).

    Returns:
        str, the file's text.

    Raises:
        ValueError: if there is no such backend, or a number is out of range.
    """
    one_of("backend", backend, BACKENDS)
    if backend == "python" and gpu:
        raise UserError("the Python backend here runs on the processor: take onnxruntime or tensorrt for a GPU.")
    lowest = {"max_batch": (max_batch, 1), "delay": (delay or 0, 0), "instances": (instances, 1), "threads": (threads, 0)}
    for what, (value, least) in lowest.items():
        whole(what, value, least)
    # The server's batches have the sizes that happen; a file of a fixed batch takes its own size alone.
    free = facts["inputs"][0]["shape"][0] is None
    max_batch = min(max_batch, facts.get("largest_batch") or max_batch)
    gpu = gpu or BACKENDS[backend][1] == "gpu"
    blocks = [
        f"# Written by deploy/triton/repository.py; the page beside it explains the settings. Input: RGB, 0..255, "
        f"preprocessing {facts['preprocessing']}.",
        f"name: {_quoted(name)}\nbackend: {_quoted(backend)}\nmax_batch_size: {max_batch if free else 0}",
        "input [\n" + ",\n".join(_tensor(tensor, free) for tensor in facts["inputs"]) + "\n]",
        "output [\n" + ",\n".join(_tensor(tensor, free) for tensor in facts["outputs"]) + "\n]",
        f"instance_group [ {{ count: {instances} kind: {'KIND_GPU' if gpu else 'KIND_CPU'} }} ]",
    ]
    if free and delay is not None:
        blocks.append(f"dynamic_batching {{ max_queue_delay_microseconds: {delay} }}")
    parameters = {"preprocessing": facts["preprocessing"]}
    if facts.get("threshold") is not None:
        # For clients: the server gives every photo its likeliest classes.
        parameters["threshold"] = str(facts["threshold"])
    if backend != "tensorrt":
        # The name that the onnxruntime backend knows; model.py reads the same.
        parameters["intra_op_thread_count"] = str(threads)
    if backend == "python":
        parameters["session.intra_op.allow_spinning"] = str(int(spinning))
    blocks += [
        f"parameters {{ key: {_quoted(key)} value: {{ string_value: {_quoted(value)} }} }}" for key, value in parameters.items()
    ]
    return "\n".join(blocks) + "\n"


def labels(facts):
    """The text of labels.txt: one class name a line."""
    # A line break inside a class name would shift all labels behind it.
    return "".join(" ".join(name.splitlines()) + "\n" for name in facts["class_names"])


def write(model, out, backend="python", name="logo", **settings):
    """Writes a model repository, with a copy of the model in it.

    Args:
        model: str or Path of the exported file.
        out: str or Path of the repository, the folder that tritonserver is given; made if it is not there.
        backend: as for `config`.
        name: str, the model's name on the server and its folder in the repository.
        **settings: as for `config`.

    Returns:
        Path of the model's folder in the repository.

    Raises:
        ValueError: if an argument is none of these, or the file is no model of logo_keras.
        FileExistsError: if the repository has a model of this name.
    """
    model, folder = Path(model), Path(out) / name
    if Path(name).name != name:
        raise UserError(f"name must be a folder's name, got {name!r}.")
    if folder.exists():
        raise FileExistsError(f"{folder}: exists; name another folder or model, or delete it.")
    facts = described(model)
    text = config(facts, backend, name, **settings)
    Path(out).mkdir(parents=True, exist_ok=True)
    # Beside the repository's models a half-written one would be served by a server that polls.
    with tempfile.TemporaryDirectory(dir=Path(out).resolve().parent) as temporary:
        half = Path(temporary) / name
        (half / "1").mkdir(parents=True)
        # A class may have the name of a folder that is no UTF-8.
        (half / "config.pbtxt").write_text(text, encoding="utf-8", errors="backslashreplace")
        if facts["class_names"]:
            (half / "labels.txt").write_text(labels(facts), encoding="utf-8", errors="backslashreplace")
        shutil.copyfile(model, half / "1" / BACKENDS[backend][0])
        if backend == "python":
            shutil.copyfile(MODEL_PY, half / "1" / "model.py")
        half.rename(folder)
    return folder


def _of_onnx(path):
    onnxruntime = require("onnxruntime", "onnx")
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # onnxruntime's errors have no common class of their own.
    except Exception as error:
        raise UserError(f"{path}: onnxruntime cannot open it: {' '.join(str(error).split())}") from error
    written = session.get_modelmeta().custom_metadata_map
    missing = [key for key in ("class_names", "preprocessing") if key not in written]
    if missing:
        raise UserError(f"{path}: its metadata has no {', '.join(missing)}: write it with logo-export-onnx.")
    facts = {"class_names": json.loads(written["class_names"]), "preprocessing": written["preprocessing"]}
    facts["threshold"] = json.loads(written.get(METADATA_NAME, "{}")).get("threshold")
    for kind, tensors in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        facts[kind] = [{"name": t.name, "shape": t.shape, "dtype": t.type} for t in tensors]
    return facts


def _of_json(path):
    facts = json.loads(path.read_text(encoding="utf-8"))
    said = {name: facts["metadata"][name] for name in ("class_names", "preprocessing")}
    return facts | said | {"threshold": facts["metadata"].get("threshold")}


def _type(tensor):
    name = tensor["dtype"].removeprefix("tensor(").removesuffix(")")
    name = {"float": "float32"}.get(name, name)
    if name not in TYPES:
        raise UserError(f"{tensor['name']} is of type {name!r}; Triton's names are known here for {', '.join(TYPES)}.")
    return name


def _length(entry):
    return entry if isinstance(entry, int) and entry > 0 else None


def _tensor(tensor, free):
    shape = tensor["shape"][1:] if free else tensor["shape"]
    dims = ", ".join("-1" if length is None else str(length) for length in shape)
    lines = [f"name: {_quoted(tensor['name'])}", f"data_type: TYPE_{TYPES[tensor['dtype']]}", f"dims: [ {dims} ]"]
    if free and not shape:
        # A number an image, as an objectness: Triton wants a dim besides the batch.
        lines[-1:] = ["dims: [ 1 ]", "reshape: { shape: [ ] }"]
    if tensor["name"] == "probabilities":
        lines.append('label_filename: "labels.txt"')
    return "  {\n" + "".join(f"    {line}\n" for line in lines) + "  }"


def _quoted(text):
    return json.dumps(text, ensure_ascii=False)


def define(flags):
    """Defines the flags."""
    flags.string("model", None, "The exported file: .onnx, or an engine with its .json beside it.")
    flags.string("out", None, "The repository to write.")
    flags.enum("backend", "python", list(BACKENDS), "What of Triton runs the model.")
    flags.string("name", "logo", "The model's name on the server.")
    flags.boolean("gpu", False, "Run onnxruntime on the GPU.")
    flags.integer("max_batch", MAX_BATCH, "Photos at once.")
    flags.integer("delay", DELAY, "Microseconds to wait for a batch.")
    flags.boolean("batching", True, "Collect requests to batches; --nobatching runs each alone.")
    flags.integer("instances", 1, "Copies that run at once.")
    flags.integer("threads", 0, "Threads of a copy; 0: all cores.")
    flags.boolean("spinning", False, "Threads keep their cores busy while they wait.")


def work(flags, arguments):
    """Writes a repository as the command line says."""
    no_arguments(arguments)
    settings = {name: flags[name].value for name in ("gpu", "max_batch", "instances", "threads", "spinning")}
    delay = flags.delay if flags.batching else None
    print(write(flags.model, flags.out, flags.backend, flags.name, delay=delay, **settings))


COMMAND = Command("repository.py --model FILE --out FOLDER", __doc__, define, work, required=("model", "out"))
main = COMMAND.main

if __name__ == "__main__":
    COMMAND.run()
