"""Runs TensorRT engines on an NVIDIA GPU, with memory from the GPU's own driver.

The driver is spoken to with ctypes: it is there wherever a GPU is, while cuda-python and the like would be one more thing
to install in the right version.
"""

import contextlib
import ctypes
import sys
import weakref

import numpy as np

from logo_keras.errors import UserError

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
# CUdevice_attribute: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
_MAJOR, _MINOR = 75, 76


def _driver():
    """The driver's library, or None where there is no NVIDIA driver."""
    try:
        return ctypes.CDLL(_LIBRARY)
    except OSError:
        return None


def count():
    """How many NVIDIA GPUs this process sees; 0 without a driver."""
    driver, found = _driver(), ctypes.c_int()
    if driver is None or driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(found)):
        return 0
    return found.value


class Device:
    """The first GPU that this process sees (CUDA_VISIBLE_DEVICES chooses), with its primary context, which TensorRT uses too.

    Attributes:
        name: str.
        capability: str, for instance "8.9".
        stream: int, a stream of its own.

    Raises:
        OSError: if there is no driver or no GPU, or the driver refuses.
    """

    def __init__(self):
        self._driver = _driver()
        if self._driver is None:
            raise OSError(f"no NVIDIA driver here: {_LIBRARY} does not load.")
        self._call("cuInit", 0)
        device, self._context, stream = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)
        self.use()
        self._call("cuStreamCreate", ctypes.byref(stream), 0)
        self.stream = stream.value
        text = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", text, len(text), device)
        self.name = text.value.decode()
        self.capability = ".".join(str(self._attribute(device, number)) for number in (_MAJOR, _MINOR))

    def use(self):
        """Makes the context that of the calling thread."""
        self._call("cuCtxSetCurrent", self._context)

    def allocate(self, size):
        """Bytes of GPU memory; returns their address, an int."""
        address = ctypes.c_void_p()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def free(self, address):
        """Gives memory back; never raises: it runs when the process ends, too."""
        with contextlib.suppress(OSError):
            self.use()
            self._call("cuMemFree_v2", ctypes.c_void_p(address))

    def write(self, address, array):
        """Copies a contiguous array to the GPU."""
        self._call("cuMemcpyHtoD_v2", ctypes.c_void_p(address), ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes))

    def read(self, array, address):
        """Fills a contiguous array from the GPU."""
        self._call("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_void_p(address), ctypes.c_size_t(array.nbytes))

    def wait(self):
        """Waits until all work of the stream is done."""
        self._call("cuStreamSynchronize", ctypes.c_void_p(self.stream))

    def _attribute(self, device, number):
        value = ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(value), number, device)
        return value.value

    def _call(self, function, *arguments):
        code = getattr(self._driver, function)(*arguments)
        if code:
            name = ctypes.c_char_p()
            self._driver.cuGetErrorName(code, ctypes.byref(name))
            raise OSError(f"the NVIDIA driver refused {function}: {(name.value or b'unknown error').decode()} ({code}).")


class Engine:
    """An engine on the GPU.

    Args:
        library: engine.Library that built it.
        plan: bytes, the engine.

    Raises:
        ValueError: if the library cannot load it, as when it is another version's or another GPU's.
        OSError: if there is no GPU.
    """

    def __init__(self, library, plan):
        trt, log, self.device = library.module, library.listener(), Device()
        # Kept: the library does not hold what these were made from.
        self._log, self._runtime = log, trt.Runtime(log)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise UserError(f"{library} cannot load the engine on {self.device.name}: {log.said()}")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise UserError(f"{library} cannot run the engine on {self.device.name}: {log.said()}")
        names = [self._engine.get_tensor_name(number) for number in range(self._engine.num_io_tensors)]
        (self._input,) = [name for name in names if self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self._outputs = [name for name in names if name != self._input]
        self._types = {name: np.dtype(trt.nptype(self._engine.get_tensor_dtype(name))) for name in names}
        # Address and bytes of each tensor's memory.
        self._memory = {}
        weakref.finalize(self, _free_all, self.device, self._memory)

    def infer(self, images):
        """Runs a batch.

        Args:
            images: `[B, S, S, 3]`; B as the engine was built for.

        Returns:
            dict from the outputs' names to arrays.

        Raises:
            ValueError: if the engine refuses the batch or fails.
        """
        self.device.use()
        images = np.ascontiguousarray(images, self._types[self._input])
        if not self._context.set_input_shape(self._input, images.shape):
            raise UserError(f"the engine does not take images of shape {images.shape}: {self._log.said()}")
        answer = {name: np.empty(tuple(self._context.get_tensor_shape(name)), self._types[name]) for name in self._outputs}
        self.device.write(self._place(self._input, images.nbytes), images)
        for name, values in answer.items():
            self._place(name, values.nbytes)
        if not self._context.execute_async_v3(self.device.stream):
            raise UserError(f"the engine failed: {self._log.said()}")
        self.device.wait()
        for name, values in answer.items():
            self.device.read(values, self._memory[name][0])
        return answer

    def _place(self, name, size):
        """Memory for a tensor, known to the engine; returns its address."""
        address, given = self._memory.get(name, (None, 0))
        if size > given:
            if address is not None:
                self.device.free(address)
            address = self.device.allocate(size)
            self._memory[name] = address, size
            self._context.set_tensor_address(name, address)
        return address


def _free_all(device, memory):
    for address, _ in memory.values():
        device.free(address)
