"""What the benchmarks share: how they are called, time what takes turns, and leave a page in results/."""

import inspect
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import machine

from logo_keras.commands.command import Command

RESULTS = Path(__file__).parent / "results"
_FRESH = """
import importlib, json, sys
folder, module, function, arguments = sys.argv[1:]
sys.path.insert(0, folder)
print(json.dumps(getattr(importlib.import_module(module), function)(*json.loads(arguments))))
"""


def run(doc, main, define=lambda flags: None, required=()):
    """Runs a script as a command.

    Args:
        doc: str, its docstring, in which one line, from ".venv/bin/python" on, says how it is called.
        main, define, required: as the `work` of `logo_keras.commands.command.Command`, and likewise.
    """
    usage = next(line for line in doc.splitlines() if line.startswith(".venv/bin/python "))
    Command(usage.removeprefix(".venv/bin/python "), doc, define, main, required).run()


def command_line():
    """How this script was called, without the folders of this machine: str."""
    words = ["python", f"benchmarks/{Path(sys.argv[0]).name}"]
    for word in sys.argv[1:]:
        flag, equals, value = word.rpartition("=")
        words.append(f"{flag}{equals}{Path(value).name if value and Path(value).exists() else value}")
    backend = os.environ.get("KERAS_BACKEND")
    return f"KERAS_BACKEND={backend} " * bool(backend) + shlex.join(words)


def keep(name, *blocks, title=None, facts=()):
    """Prints a page, with the command, the machine and the date above its tables, and writes it to results/NAME.md.

    Args:
        name: str, of the file; the page's title too, unless `title` is given.
        *blocks: str or lists of lines, tables and paragraphs.
        title: str.
        facts: lines on what was measured, below those on the machine.
    """
    known = [f"- {line}" for line in [*machine.lines(), *facts]]
    blocks = ["\n".join([block] if isinstance(block, str) else block) for block in (known, *blocks)]
    text = "\n\n".join([f"# {title or name}", f"    {command_line()}", *blocks])
    print(f"\n{text}")
    (RESULTS / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")


def shown(figure):
    """A mean and its interval, three floats, as a cell of a table; None where nothing was asked."""
    return "-" if figure is None else f"{figure[0]:.1f} ({figure[1]:.1f} to {figure[2]:.1f})"


class Table(list):
    """The lines of a Markdown table. Each is printed as soon as it is there, since the next may take minutes."""

    def __init__(self, *columns):
        super().__init__()
        self.add(*columns)
        self.add(*["---"] * len(columns))

    def add(self, *cells):
        """Adds a row."""
        self.append(f"| {' | '.join(map(str, cells))} |")
        print(self[-1], flush=True)


def turns(functions, rounds, warm, clock=time.perf_counter, pause=0):
    """Times functions that take turns, so that other work on the machine meets them alike.

    Args:
        functions: dict from a name to a function of the number of the turn.
        rounds: int, turns that count.
        warm: int, turns before them.
        clock: function that gives seconds.
        pause: float, seconds before each call.

    Returns:
        dict from name to a list of milliseconds, one a turn.
    """
    times = {name: [] for name in functions}
    for turn in range(warm + rounds):
        for name, function in functions.items():
            time.sleep(pause)
            start = clock()
            function(turn)
            times[name].append(1000 * (clock() - start))
    return {name: values[warm:] for name, values in times.items()}


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
