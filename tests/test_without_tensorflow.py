"""Training where only Keras and another backend are installed."""

import json
import math
import os
import subprocess
import sys

import pytest
from photographs import write


@pytest.mark.slow
def test_jax_alone_trains_scores_and_predicts(tmp_path, root):
    pytest.importorskip("jax", reason="needs jax, of the extra [dev]")
    for number in range(6):
        write(tmp_path / "photographs" / "ab"[number % 2] / f"{number}.png", seed=number)
    command = [sys.executable, str(root / "tests" / "without_tensorflow.py"), tmp_path / "photographs", tmp_path / "run"]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    process = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout.splitlines()[-1])
    assert (found["backend"], found["batches"]) == ("jax", "PhotographBatches")
    for name in ("Classifier", "NTSNet"):
        assert all(map(math.isfinite, found[name]["loss"]))
        assert found[name]["top1"] == pytest.approx(found[name]["right"])
    assert len(found["run"]) == 2 and all(map(math.isfinite, found["run"]))
    assert {"jax", "keras"} <= set(found["packages"]) and "tensorflow" not in found["packages"]


def test_the_extra_is_named_where_neither_engine_is_installed(tmp_path, root):
    write(tmp_path / "a" / "0.png")
    code = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from logo_keras import datasets\n"
        f"datasets.load('folder', {str(tmp_path)!r}).batches(2, 32, engine=sys.argv[1] or None)"
    )
    for engine, missing in (("", "keras"), ("keras", "keras"), ("tf.data", "tensorflow")):
        process = subprocess.run([sys.executable, "-c", code, engine], capture_output=True, text=True, cwd=root, timeout=120)
        assert f"needs {missing}, which is not installed: pip install 'logo_keras[train]'" in process.stderr
