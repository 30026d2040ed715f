"""Says on what machine, with which versions and when a figure was measured: the lines above every table in results/.

Never the machine's name or a folder: results are committed.
"""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from logo_keras.extras import versions


def lines():
    """What a figure depends on besides the code: lines of text, one a fact."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").replace("\n", ", ")
    return [
        f"Processor: {_processor()}, {cores} cores, {memory:.1f} GiB of memory",
        f"Accelerator: {gpu or 'none'}",
        f"System: {_system()}, Python {platform.python_version()}",
        f"Packages: {', '.join(f'{name} {version}' for name, version in versions().items())}",
        f"Date: {datetime.date.today().isoformat()}",
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
    print(*lines(), sep="\n")
