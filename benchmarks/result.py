"""What a benchmark leaves: a page in results/, with the command, the machine and the date above its tables."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import machine

RESULTS = Path(__file__).parent / "results"
_FRESH = """
import importlib, json, sys
folder, module, function, arguments = sys.argv[1:]
sys.path.insert(0, folder)
print(json.dumps(getattr(importlib.import_module(module), function)(*json.loads(arguments))))
"""


def keep(name, command, *blocks, title=None, facts=()):
    """Prints a page and writes it to results/NAME.md.

    Args:
        name: str, of the file; the page's title too, unless `title` is given.
        command: str, how the figures are made again; without paths of this machine.
        *blocks: str or lists of lines, tables and paragraphs.
        title: str.
        facts: lines on what was measured, below those on the machine.
    """
    known = [f"- {line}" for line in [*machine.lines(machine.describe()), *facts]]
    blocks = ["\n".join([block] if isinstance(block, str) else block) for block in (known, *blocks)]
    text = "\n\n".join([f"# {title or name}", f"    {command}", *blocks])
    print(f"\n{text}")
    (RESULTS / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")


def heading(*columns):
    """The first two lines of a Markdown table."""
    return [row(*columns), "|---" * len(columns) + "|"]


def row(*cells):
    """A line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def fresh(function, *arguments):
    """Calls a function of a benchmark in a process of its own.

    Args:
        function: function of the script that runs.
        *arguments: what it takes; they and what it returns must be such that JSON can hold them.

    Returns:
        What the function returns.
    """
    script = Path(inspect.getfile(function)).resolve()
    command = [sys.executable, "-c", _FRESH, str(script.parent), script.stem, function.__name__, json.dumps(arguments)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
