"""What a demo found out, and the figures of report.json."""

import dataclasses
import functools
import platform

from logo_keras.datasets.statistics import box_sizes
from logo_keras.demo.config import DemoConfig
from logo_keras.demo.sets import Photographs
from logo_keras.evaluation import Comparison, Evaluation, compare, wilson_interval
from logo_keras.export.check.verification import Report
from logo_keras.extras import versions
from logo_keras.network.logo_model import LogoModel
from logo_keras.training import Config


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """A model and how it came about.

    Attributes:
        model: the model.
        config: training.Config, with the epochs that were trained.
        history: list of dict, a row an epoch, as `training.train` gives it.
        ends: list of float, seconds of training alone at the end of each epoch.
    """

    model: LogoModel
    config: Config
    history: list
    ends: list

    @property
    def seconds(self):
        """float, seconds of training alone, without validation and saving."""
        return self.ends[-1]


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """All that the report tells.

    Attributes:
        config: DemoConfig.
        photographs: Photographs.
        drna: Trained, DRNA-Net.
        plain: Trained, the plain classifier.
        drna_test: Evaluation of DRNA-Net on the test photos.
        plain_test: Evaluation of the plain classifier.
        file_test: Evaluation of the exported file, run without TensorFlow.
        verification: the export's Report: how far the file lies from Keras on the test photos.
        plain_share: float, time of the plain classifier's training as a share of DRNA-Net's; None if its epochs were given.
        keras_milliseconds: float, median time of Keras for one photo, decoding left out.
        sizes: dict, name of a written file to its bytes.
        seconds: dict, name of a stage to its seconds.
    """

    config: DemoConfig
    photographs: Photographs
    drna: Trained
    plain: Trained
    drna_test: Evaluation
    plain_test: Evaluation
    file_test: Evaluation
    verification: Report
    plain_share: float | None
    keras_milliseconds: float
    sizes: dict
    seconds: dict

    @property
    def comparison(self) -> Comparison:
        """How much more often DRNA-Net is right than the plain classifier."""
        return compare(self.drna_test, self.plain_test)

    @property
    def unreadable(self):
        """dict, path to reason, of the photos that were left out of training or tests."""
        return self.photographs.unreadable | self.drna_test.unreadable

    def intervals(self):
        """95 % intervals: dict from the name of a figure to its two ends; None where there is no figure."""
        boxed = len(self.logo_sides)
        comparison = self.comparison
        return {
            "top1": self.drna_test.top1_interval,
            "top5": _interval(self.drna_test.top5, len(self.drna_test.paths)),
            "plain_top1": self.plain_test.top1_interval,
            "top1_minus_plain_top1": comparison.interval,
            "tflite_top1": self.file_test.top1_interval,
            "region_hit_rate": _interval(self.drna_test.region_hit_rate, boxed),
            "region_hit_rate_any": _interval(self.drna_test.region_hit_rate_any, boxed),
        }

    @functools.cached_property
    def logo_sides(self):
        """dict from the place of a test photo in `drna_test` to the side of its largest logo: the root of the share
        of the photo that it covers. Photos without known boxes are left out."""
        sizes, largest = box_sizes(self.photographs.test), {}
        for path, side in zip(sizes.paths, sizes.area_sides.tolist(), strict=True):
            largest[path] = max(side, largest.get(path, 0))
        return {number: largest[path] for number, path in enumerate(self.drna_test.paths) if path in largest}

    def places(self):
        """dict from the path of a test photo to its place in the test set."""
        return {path: place for place, path in enumerate(self.photographs.test.paths)}

    def to_dict(self):
        """What report.json holds: shares are fractions 0..1, times seconds; None for what these photos cannot tell."""
        test = self.drna_test
        return {
            "top1": test.top1,
            "top5": test.top5,
            "plain_top1": self.plain_test.top1,
            "tflite_top1": self.file_test.top1,
            "tflite_max_abs_diff": self.verification.max_abs_diff,
            "tflite_tied": self.verification.tied,
            "region_hit_rate": test.region_hit_rate,
            "region_hit_rate_any": test.region_hit_rate_any,
            "region_hit_rate_chance": test.region_hit_rate_chance,
            "region_area": test.region_area,
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "intervals": {name: ends and list(ends) for name, ends in self.intervals().items()},
            "settings": {
                "data": self.photographs.name,
                "split": self.photographs.split,
                "brands": len(test.class_names),
                "training": len(self.photographs.training.readable()),
                "test": len(test.paths),
                "unreadable": len(self.unreadable),
                "drna": self.drna.config.to_dict(),
                "plain": self.plain.config.to_dict(),
                "demo": self.config.to_dict(),
            },
            "versions": environment(),
        }


def environment():
    """dict from what runs here to its version."""
    system = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    return system | versions()


def _interval(share, total):
    return None if share is None else wilson_interval(round(share * total), total)
