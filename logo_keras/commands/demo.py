"""Shows all of logo_keras at work: a gallery knows brands by their artwork and finds them in photos, without training;
DRNA-Net learns brands, beside a plain classifier; both are tested; DRNA-Net is exported to TFLite,
and the file is run without TensorFlow.

It leaves brands.gallery, gallery.jpg, model.keras, model.tflite, overview.jpg, report.html (open it in a browser) and
report.json in the folder --out.
Without --data the photos are synthetic, both models see them equally often, and all takes less than 8 minutes on two cores.
With --data both are trained for the same time, and the gallery knows each brand by one photo, where boxes are known.
"""

import dataclasses
import functools
import os
import signal

from logo_keras.commands.command import Command, no_arguments
from logo_keras.extras import naming_extras

USAGE = "demo [--out FOLDER] [--data FOLDER]"


def define(flags):
    """Defines the flags."""
    flags.string("out", "demo", "The folder to write to.")
    flags.string(
        "data",
        None,
        "A folder of real photos: TopLogo-10 or FlickrLogos-27 as their authors give them out, or a folder per brand, "
        "FOLDER/BRAND/* or FOLDER/train/BRAND/* and FOLDER/test/BRAND/*. Without it the photos are synthetic.",
    )
    flags.integer("seed", 0, "Another seed draws other photos and trains another network.")
    flags.integer("epochs", None, "Times that DRNA-Net sees every photo; by default it depends on the data.")
    flags.float("seconds", None, "Instead of --epochs: about how long DRNA-Net is trained.")
    flags.boolean("quick", False, "One epoch on a few small photos, to see that everything runs; learns nothing.")


def config_from(values):
    """The DemoConfig that the flags ask for.

    Raises:
        ValueError: for a value out of range.
    """
    from logo_keras.demo import DemoConfig, quick

    config = quick() if values.quick else DemoConfig()
    if values.epochs is not None or values.seconds is not None:
        config = dataclasses.replace(config, epochs=values.epochs, seconds=values.seconds)
    return dataclasses.replace(config, seed=values.seed)


def _work(values, arguments):
    no_arguments(arguments)
    with naming_extras():
        from logo_keras import demo

    def stop(*_):
        # Not sys.exit: TensorFlow swallows what is raised while it traces a function.
        demo.sweep(values.out)
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    # make demo DATA= is no data. Lines appear at once, also where the output goes to a file.
    demo.run(values.out, values.data or None, config_from(values), say=functools.partial(print, flush=True))


COMMAND = Command(USAGE, __doc__, define, _work)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
