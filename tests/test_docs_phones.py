"""The snippets of docs/android.md and docs/ios.md ask an exported file for nothing that it does not have."""

import re

import pytest

from logo_keras.export.served import EMBEDDING, MEANINGS
from logo_keras.export.tflite import SIGNATURE

# Those of classifiers: embedders and detectors have others.
NAMES = {"images", *MEANINGS} - {EMBEDDING, *(name for name in MEANINGS if name.endswith(("embeddings", "objectness")))}


@pytest.fixture(params=["android", "ios"])
def code(request, root):
    """The Kotlin or Swift code of a page."""
    page = (root / "docs" / f"{request.param}.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```(?:kotlin|swift)\n(.*?)```", page, re.DOTALL))


def test_snippets_name_the_signature_the_input_and_the_outputs_of_a_file(code):
    assert {*NAMES, SIGNATURE} <= set(re.findall(r'"(\w+)"', code))


def test_snippets_name_no_other_tensor(code):
    called = r'(?:associateWith|createInputBuffer|listOf|mapOf|heads\[|values\[|named: |getValue|with: \[|in \[)\(?\[?"(\w+)"'
    assert set(re.findall(called, code)) <= NAMES
