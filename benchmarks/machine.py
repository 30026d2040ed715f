"""Says on what machine, with which versions and when a figure was measured: the lines above every table in results/.

Never the machine's name or a folder: results are committed.
"""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from logo_keras.commands.command import Command
from logo_keras.extras import versions


def describe():
    """Returns what a figure depends on besides the code.

    Returns:
        dict of str: `processor`, `cores` (int, those this process may use), `memory` (float, GiB), `accelerator`,
        `system`, `python`, `packages` (dict: name to version, installed ones only), `date` (ISO 8601).
    """
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "accelerator": _accelerator(),
        "system": _system(),
        "python": platform.python_version(),
        "packages": versions(),
        "date": datetime.date.today().isoformat(),
    }


def lines(facts):
    """Returns what `describe` gave as lines of text, one a fact."""
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    return [
        f"Processor: {facts['processor']}, {facts['cores']} cores, {facts['memory']} GiB of memory",
        f"Accelerator: {facts['accelerator']}",
        f"System: {facts['system']}, Python {facts['python']}",
        f"Packages: {packages}",
        f"Date: {facts['date']}",
    ]


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    if platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def _accelerator():
    return _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").replace("\n", ", ") or "none"


def _system():
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.machine()}"


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


if __name__ == "__main__":
    Command("benchmarks/machine.py", __doc__, lambda flags: None, lambda *_: print(*lines(describe()), sep="\n")).run()
