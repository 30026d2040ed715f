"""What benchmarks/loading.py measures against: the loader of PyTorch and torchvision, run with their own environment's Python.

The same work as ours in training: decode, cut out 60 to 100 % of the area in the photograph's own proportions, stretch to a
square with antialiasing, mirror half, change brightness and contrast, floats in batches. Prints how many photographs it gave in
how many seconds.
"""

import json
import os
import resource
import sys
import time

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2


class Crop(v2.Transform):
    """60 to 100 % of the area, in the photograph's own proportions, stretched to a square."""

    def __init__(self, size):
        super().__init__()
        self.size = [size, size]

    def transform(self, photo, params):
        height, width = v2.functional.get_size(photo)
        side = float(torch.empty(()).uniform_(0.6, 1.0)) ** 0.5
        tall, wide = max(1, round(height * side)), max(1, round(width * side))
        top, left = int(torch.randint(height - tall + 1, ())), int(torch.randint(width - wide + 1, ()))
        return v2.functional.resized_crop(photo, top, left, tall, wide, self.size, antialias=True)


def decode(path):
    """The photograph as a uint8 tensor, by torchvision's own decoder."""
    return decode_image(path, ImageReadMode.RGB)


def main(root, kind, size, batch_size, workers, epochs):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # "pil" is the default of torchvision's data sets; "tensor" is what its guide recommends.
    last = [] if kind == "tensor" else [v2.PILToTensor()]
    steps = [Crop(size), v2.RandomHorizontalFlip(), v2.ColorJitter(brightness=0.2, contrast=0.2)]
    transform = v2.Compose([*steps, *last, v2.ToDtype(torch.float32)])
    options = {"loader": decode} if kind == "tensor" else {}
    loader = DataLoader(
        ImageFolder(root, transform, **options),
        batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    seen = 0
    for _ in loader:
        pass  # Workers are started and files are in the system's memory.
    before, start = cpu(), time.perf_counter()
    for _ in range(epochs):
        for images, _ in loader:
            seen += len(images)
    wall = time.perf_counter() - start
    print(json.dumps({"photographs": seen, "seconds": wall, "core_seconds": cpu() - before}))


def cpu():
    """Seconds of the processor that this process and its workers took so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ticks = 0
    for child in os.listdir("/proc"):
        if child.isdigit():
            try:
                fields = open(f"/proc/{child}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                ticks += int(fields[11]) + int(fields[12])
    return own.ru_utime + own.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7]))
