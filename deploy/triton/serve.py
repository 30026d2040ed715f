"""Starts the tritonserver of the wheel nvidia-pytriton on a model repository.

ENVIRONMENT/bin/python deploy/triton/serve.py models [flags of tritonserver, as --flag=value]

For a machine without the official container. Runs in the environment that has the wheel and onnxruntime. The process
becomes the server: what stops it, stops the server.
"""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

# Triton asks nobody who they are: reachable from this machine alone unless a flag says otherwise.
DEFAULTS = {"http-address": "127.0.0.1", "grpc-address": "127.0.0.1", "metrics-address": "127.0.0.1"}


def command(repository, flags=()):
    """Says how the server is started.

    Args:
        repository: str or Path of a model repository.
        flags: further flags of tritonserver, each `--flag=value`; they win over `DEFAULTS`.

    Returns:
        arguments: list of str, the program first.
        environment: dict of str, for the program.

    Raises:
        ImportError: if the wheel is not installed, or has nothing for this version of Python.
        FileNotFoundError: if there is no such repository.
        OSError: if the wheel's folder cannot be written to and was never prepared.
    """
    if not Path(repository).is_dir():
        raise FileNotFoundError(f"{repository}: no such folder; deploy/triton/repository.py writes one.")
    package = importlib.util.find_spec("pytriton")
    if package is None:
        raise ImportError("tritonserver is not installed: pip install -r requirements/clients/triton.txt")
    server = Path(package.origin).parent / "tritonserver"
    _link_stub(server)
    given = {flag.split("=")[0].removeprefix("--") for flag in flags}
    arguments = [
        str(server / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={server / 'backends'}",
        *(f"--{name}={value}" for name, value in DEFAULTS.items() if name not in given),
        *flags,
    ]
    environment = dict(os.environ)
    # The stub embeds the interpreter: it looks for its packages where the first python3 of PATH has them, and for
    # libpython, of which a system may hold a second copy of another release, where this interpreter has it.
    environment["PATH"] = os.pathsep.join([str(Path(sys.prefix) / "bin"), environment.get("PATH", os.defpath)])
    library = sysconfig.get_config_var("LIBDIR")
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [library, environment.get("LD_LIBRARY_PATH")]))
    return arguments, environment


def _link_stub(server):
    """Puts the process that runs model.py, one for each version of Python in the wheel, where the server looks for it."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = Path("..", "..", "python_backend_stubs", version, "triton_python_backend_stub")
    link = server / "backends" / "python" / target.name
    if not (link.parent / target).is_file():
        there = sorted(folder.name for folder in (server / "python_backend_stubs").iterdir())
        raise ImportError(f"the wheel has no process for Python {version}, only for {', '.join(there)}.")
    if not link.is_symlink() or Path(os.readlink(link)) != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def main(arguments):
    """Becomes the server; returns an exit status where it cannot."""
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        program, environment = command(arguments[0], arguments[1:])
        os.execve(program[0], program, environment)
    except (ImportError, OSError) as error:
        print(f"serve.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
