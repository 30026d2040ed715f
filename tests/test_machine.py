"""What results/ say of the machine, and what they must not."""

import platform
import re
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def printed(root):
    return subprocess.run([sys.executable, "benchmarks/machine.py"], cwd=root, capture_output=True, text=True, check=True).stdout


def test_machine_names_processor_versions_and_date(printed):
    facts = dict(line.split(": ", 1) for line in printed.splitlines())
    assert list(facts) == ["Processor", "Accelerator", "System", "Packages", "Date"]
    assert f"numpy {np.__version__}" in facts["Packages"]
    assert f"Python {platform.python_version()}" in facts["System"]


def test_machine_tells_no_name_and_no_folder(printed, root):
    assert not re.search(rf"\b{re.escape(platform.node())}\b", printed)
    assert str(root.parent) not in printed and sys.prefix not in printed
