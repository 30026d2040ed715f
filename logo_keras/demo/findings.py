"""What a demo found out, and the figures of report.json."""

import dataclasses
import functools
import platform

import numpy as np

from logo_keras.datasets.statistics import box_sizes
from logo_keras.demo.config import DemoConfig
from logo_keras.demo.sets import Photos
from logo_keras.demo.untrained import Untrained
from logo_keras.evaluation import Evaluation, compare, wilson_interval
from logo_keras.export.check.verification import Report
from logo_keras.extras import versions
from logo_keras.training import Result


@dataclasses.dataclass(frozen=True, eq=False)
class Findings:
    """All that the report tells.

    Attributes:
        config: DemoConfig. `drna` and `plain` are those of the trainings, with the epochs that were trained.
        photos: Photos.
        untrained: Untrained, of the gallery; or None where no boxes are known.
        drna: training.Result of DRNA-Net.
        plain: training.Result of the plain classifier.
        drna_test: Evaluation of DRNA-Net on the test photos.
        plain_test: Evaluation of the plain classifier.
        file_test: Evaluation of the exported file, run without TensorFlow.
        verification: the export's Report: how far the file lies from Keras on test photos.
        sizes: dict, name of a written file to its bytes.
        seconds: dict, name of a stage to its seconds.
    """

    config: DemoConfig
    photos: Photos
    untrained: Untrained | None
    drna: Result
    plain: Result
    drna_test: Evaluation
    plain_test: Evaluation
    file_test: Evaluation
    verification: Report
    sizes: dict
    seconds: dict

    @functools.cached_property
    def tested(self):
        """Dataset of the test photos that could be read, in the order of the evaluations."""
        return self.photos.test.subset(np.isin(self.photos.test.paths, self.drna_test.paths))

    @functools.cached_property
    def logo_sides(self):
        """dict from the number of a test photo to the side of its largest logo: the root of the share of the photo that
        the logo covers. Photos without known boxes are left out."""
        numbers, sizes, sides = {path: number for number, path in enumerate(self.tested.paths)}, box_sizes(self.tested), {}
        for path, side in zip(sizes.paths, sizes.area_sides.tolist(), strict=True):
            sides[numbers[path]] = max(side, sides.get(numbers[path], 0))
        return sides

    @functools.cached_property
    def unreadable(self):
        """dict, path to reason, of the photos that were left out of training or tests."""
        return self.drna.unreadable | self.drna_test.unreadable

    @functools.cached_property
    def comparison(self):
        """Comparison: how much more often DRNA-Net is right than the plain classifier."""
        return compare(self.drna_test, self.plain_test)

    def to_dict(self):
        """What report.json holds: shares are fractions 0..1, times seconds; None for what these photos cannot tell."""
        test, photos, hits = self.drna_test, len(self.drna_test.paths), len(self.logo_sides)
        intervals = {
            "top1": test.top1_interval,
            "top5": _interval(test.top5, photos),
            "plain_top1": self.plain_test.top1_interval,
            "top1_minus_plain_top1": self.comparison.interval,
            "tflite_top1": self.file_test.top1_interval,
            "region_hit_rate": _interval(test.region_hit_rate, hits),
            "region_hit_rate_any": _interval(test.region_hit_rate_any, hits),
        }
        return {
            "gallery": self.untrained and self.untrained.to_dict(),
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
            "intervals": {name: ends and list(ends) for name, ends in intervals.items()},
            "settings": {
                "data": self.photos.name,
                "split": self.photos.split,
                "brands": len(test.class_names),
                "training": len(self.photos.training.readable()),
                "test": photos,
                "unreadable": len(self.unreadable),
                **self.config.to_dict(),
            },
            "versions": {
                "python": platform.python_version(),
                "machine": platform.machine(),
                "system": platform.system(),
                **versions(),
            },
        }


def _interval(share, total):
    return None if share is None else wilson_interval(round(share * total), total)
