"""Builds TensorRT engines from ONNX files, with TensorRT 10 or 11, or with TensorRT-RTX."""

import dataclasses
import importlib
import logging
from pathlib import Path
from types import ModuleType

from logo_keras.arguments import one_of
from logo_keras.errors import UserError
from logo_keras.extras import MissingExtra
from logo_keras.files import write

from . import gpu

RUNTIMES = ("auto", "tensorrt", "tensorrt_rtx")
_TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT-RTX"}
_OLDEST = 10
_TENSORRT = "with an NVIDIA GPU TensorRT 10 or 11 (pip install tensorrt)"
_RTX = "without one TensorRT-RTX (pip install 'logo_keras[tensorrt-rtx]')"
# TensorRT-RTX 1.7 has no float32 matrix product for Turing, and cutting out regions needs one.
_LEFT_OUT = ("7.5",)
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Library:
    """What builds engines.

    Attributes:
        name: str, "tensorrt" or "tensorrt_rtx".
        module: the module, whose interface both share.
    """

    name: str
    module: ModuleType

    @property
    def ahead_of_time(self):
        """Whether it builds for GPUs that are not there."""
        return self.name == "tensorrt_rtx"

    def __str__(self):
        return f"{_TITLES[self.name]} {self.module.__version__}"

    def listener(self):
        """A logger: it keeps errors, for the message that the user reads, and hands warnings to logging."""
        trt = self.module

        class Listener(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)
                self.errors, self.kept = [], None

            def log(self, severity, message):
                if severity in (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR):
                    self.errors.append(message)
                elif severity == trt.ILogger.Severity.WARNING:
                    logging.getLogger(__name__).warning("%s", message)

            def said(self):
                return "; ".join(dict.fromkeys(self.errors)) or "it does not say why."

        return Listener()


def library(runtime="auto"):
    """Chooses the library that builds engines here.

    Args:
        runtime: str, of RUNTIMES. "auto" takes TensorRT where it is installed and an NVIDIA GPU is there, else TensorRT-RTX.

    Returns:
        Library.

    Raises:
        ValueError: if there is no such runtime.
        ImportError: saying what to install, if the library is not there, too old or does not load, or TensorRT has no GPU
            to build for.
    """
    one_of("runtime", runtime, RUNTIMES)
    gpus = gpu.count()
    if runtime == "tensorrt" and not gpus:
        raise MissingExtra(
            "TensorRT builds for the NVIDIA GPU of this machine, and there is none. For GPUs elsewhere: --runtime=tensorrt_rtx "
            "(pip install 'logo_keras[tensorrt-rtx]')."
        )
    names = (["tensorrt", "tensorrt_rtx"] if gpus else ["tensorrt_rtx"]) if runtime == "auto" else [runtime]
    found = next(filter(None, map(_imported, names)), None)
    if found is None:
        wanted = {"tensorrt": _TENSORRT, "tensorrt_rtx": _RTX, "auto": f"{_TENSORRT}, {_RTX}"}[runtime]
        raise MissingExtra(f"engines are built by a library that is not installed: {wanted}.")
    return found


def _imported(name):
    try:
        module = importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            return None
        raise MissingExtra(f"{_TITLES[name]} is installed and does not load: {error}") from error
    if name == "tensorrt" and int(module.__version__.partition(".")[0]) < _OLDEST:
        raise MissingExtra(f"TensorRT {module.__version__} is too old: {_TENSORRT}.")
    return Library(name, module)


def capabilities(chosen, wanted=None):
    """The compute capabilities that an engine is built for.

    Args:
        chosen: Library.
        wanted: str with commas or several str, such as "8.6"; None takes all that TensorRT-RTX has, Turing (7.5) left out:
            it has no float32 matrix product there, which regions need.

    Returns:
        dict from str to the library's value; empty for TensorRT, which builds for the GPU of the machine.

    Raises:
        ValueError: if one is not known, or TensorRT is given any.
    """
    if not chosen.ahead_of_time:
        if wanted:
            raise UserError("TensorRT builds for the GPU of this machine; compute capabilities are chosen with TensorRT-RTX.")
        return {}
    members = chosen.module.ComputeCapability.__members__
    known = {f"{name[2:-1]}.{name[-1]}": value for name, value in members.items() if name.startswith("SM")}
    if wanted is None:
        return {name: value for name, value in known.items() if name not in _LEFT_OUT}
    names = [name.strip() for name in (wanted.split(",") if isinstance(wanted, str) else wanted)]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UserError(f"compute capabilities of {chosen} are {', '.join(known)}, got {', '.join(unknown) or 'none'}.")
    return {name: known[name] for name in names}


def check_cache(chosen, timing_cache):
    """Refuses a timing cache where nothing would write it.

    Raises:
        ValueError: if one is given to TensorRT-RTX.
    """
    if timing_cache is not None and chosen.ahead_of_time:
        raise UserError("TensorRT-RTX measures nothing when it builds: a timing cache is TensorRT's.")


def build(chosen, model, targets=None, timing_cache=None, workspace=None, largest_batch=None):
    """Builds an engine.

    Types are those of the ONNX file in every version: networks are strongly typed, as TensorRT 11 and TensorRT-RTX have
    them anyhow. TF32, which would compute float32 with 10 bits of fraction, is off.

    Args:
        chosen: Library.
        model: bytes, an ONNX file.
        targets: dict as `capabilities` gives it.
        timing_cache: str or Path of a file with what TensorRT measured in earlier builds on this GPU; it is read where it
            exists, and written anew.
        workspace: int, MiB of GPU memory that the engine may use for intermediate values; None leaves it to the library.
        largest_batch: int, for a file whose batch is free: the most images a call.

    Returns:
        bytes.

    Raises:
        ValueError: naming the nodes that the library cannot read, or saying why it cannot build them; or if a timing cache
            is given to TensorRT-RTX, which measures nothing when it builds.
        OSError: if the timing cache cannot be read or written.
    """
    check_cache(chosen, timing_cache)
    trt, log = chosen.module, chosen.listener()
    builder = trt.Builder(log)
    # TensorRT 11 has no other networks, and takes the flag without heeding it.
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    _parse(chosen, network, model, log)
    config = builder.create_builder_config()
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
    if workspace is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace * _MIB)
    if largest_batch is not None:
        profile = builder.create_optimization_profile()
        tensor = network.get_input(0)
        rest = tuple(tensor.shape)[1:]
        # Tuned for full batches: that is what a server under load sends.
        profile.set_shape(tensor.name, (1, *rest), (largest_batch, *rest), (largest_batch, *rest))
        config.add_optimization_profile(profile)
    if targets:
        config.num_compute_capabilities = len(targets)
        for number, (name, value) in enumerate(targets.items()):
            if not config.set_compute_capability(value, number):
                raise UserError(f"{chosen} does not build for compute capability {name}.")
    if timing_cache is not None:
        _use_cache(config, Path(timing_cache), log)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise UserError(f"{chosen} cannot build the engine: {log.said()}")
    if timing_cache is not None:
        write(timing_cache, bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


def _parse(chosen, network, model, log):
    parser = chosen.module.OnnxParser(network, log)
    if parser.parse(model):
        return
    errors = [parser.get_error(number) for number in range(parser.num_errors)]
    said = "; ".join(f"node {error.node_name() or error.node()} ({error.node_operator()}): {error.desc()}" for error in errors)
    raise UserError(f"{chosen} cannot read the ONNX file: {said or log.said()}")


def _use_cache(config, path, log):
    """Gives the builder the cache of a file, or an empty one where there is none or it is another GPU's or version's."""
    old = path.read_bytes() if path.exists() else b""
    cache = config.create_timing_cache(old)
    if cache is None or not config.set_timing_cache(cache, False):
        logging.getLogger(__name__).warning("%s: the timing cache is of another GPU or version, and is begun anew", path)
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    # The library does not hold it, and it must outlive the build.
    log.kept = cache
