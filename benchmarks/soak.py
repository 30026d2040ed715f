"""Kills small training runs at named points and at random moments, goes on with them, and compares what they leave.

.venv/bin/python benchmarks/soak.py --moments=20

Every run has dropout, and all that `SETTINGS` of tests/killed_run.py names; it keeps a checkpoint after every step and runs with
deterministic operations. Prints, and keeps in
results/soak.md, how each of them ended; the exit code is 1 if one left anything else than the run that nothing disturbed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import result

TESTS = Path(__file__).parents[1] / "tests"


def define(flags):
    flags.integer("moments", 20, "Runs that are killed at random moments, up to three times each.", 0)


def main(flags, arguments):
    sys.path.insert(0, str(TESTS))
    import killed_run
    import photographs

    names = [*killed_run.POINTS, *(f"random {number + 1}" for number in range(flags.moments))]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(12):
            photographs.write(Path(folder) / "photos" / ("acme", "globex")[number % 2] / f"{number}.png", seed=number)
        command = [sys.executable, str(TESTS / "killed_run.py"), f"{folder}/photos", f"{folder}/runs", *names]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found = json.loads(output.splitlines()[-1])
    undisturbed = found.pop("undisturbed")
    table = result.Table("killed", "exit statuses", "how it went on", "same weights, optimizer and history")
    for name in killed_run.POINTS:
        # A point that is passed by says nothing.
        found[name]["same"] = found[name].get("same") and found[name]["ends"][0] < 0
    for name, run in found.items():
        same = "yes" if run.get("same") else f"NO: {', '.join(run.get('differs', ['it did not end'])) or 'not killed'}"
        table.add(name, " ".join(map(str, run["ends"])), _said(run), same)
    settings = killed_run.SETTINGS
    failed = [name for name, run in found.items() if not run.get("same")]
    facts = [
        f"Run: {', '.join(f'{name} {value}' for name, value in settings.items())}, dropout 0.5; a checkpoint after every step",
        f"Undisturbed: {len(undisturbed['history'])} epochs, weights {undisturbed['weights'][:12]}",
    ]
    result.keep("soak", table, f"{len(found) - len(failed)} of {len(found)} runs are the same, bit for bit.", facts=facts)
    return bool(failed)


def _said(run):
    """What the last process of a run said first, without folders."""
    said = run.get("said", "-")
    return "anew" if said.startswith("epoch 1 ") else "finished already" if said.endswith("nothing to do.") else said


if __name__ == "__main__":
    result.run(__doc__, main, define)
