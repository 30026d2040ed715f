"""What logo-predict does with a video: flags, answers as lines, the page and the JSON."""

import os
import sys
from pathlib import Path

from logo_keras.arguments import positive
from logo_keras.commands.command import printable
from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.files import write, write_json
from logo_keras.report.html import counted
from logo_keras.video import watch
from logo_keras.video.reader import clock, looks_like_one

# What belongs to photos.
_OF_PHOTOS = ("box", "pictures", "strict", "top")


def define(flags):
    """Defines the flags."""
    flags.string(
        "timeline",
        None,
        "Of a video: write to this file, as a page, of each brand when, how long and how large it is seen, with pictures. It "
        "needs the extra [report]; --json has the same figures, and what each frame shows.",
    )
    flags.float("every", 1.0, "Of a video: seconds from one frame that is looked at to the next.")


def is_meant(flags, arguments):
    """Whether a command line asks for a timeline.

    Raises:
        UserError: if a video is not alone, nothing says where its timeline is to be written, or `--every` is given without one.
    """
    videos = [each for each in arguments if looks_like_one(each) and not os.path.isdir(each)]
    if flags.timeline is None and not videos:
        if flags["every"].present:
            raise UserError("--every belongs to a video.")
        return False
    if len(arguments) != 1:
        raise UserError(f"one video at a time, each with a file of its own: got {len(arguments)} files.")
    if not (flags.timeline or flags.json):
        raise UserError(f"{videos[0]} is a video: --timeline FILE.html says where its timeline is written, or --json FILE.json.")
    return True


def check(flags, path):
    """Refuses at once what would else be found out once the video has been watched.

    Args:
        flags: Flags.
        path: str, the video.

    Raises:
        UserError: if a flag does not fit.
        OSError: if a file cannot be written.
        ImportError: naming the extra, if pages cannot be drawn.
    """
    positive("--every", flags.every)
    if given := [f"--{name}" for name in _OF_PHOTOS if flags[name].present]:
        raise UserError(f"{' and '.join(given)} {'belong' if len(given) > 1 else 'belongs'} to photos, {path} is a video.")
    if flags.timeline:
        require("jinja2", "report")
    for out in filter(None, (flags.timeline, flags.json)):
        if Path(out).is_dir():
            raise UserError(f"{out} is a folder: name a file in it.")
        if Path(out).exists() and os.path.samefile(out, path):
            raise UserError(f"{out} is the video itself: name another file to write.")
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        if not os.access(Path(out).parent, os.W_OK):
            raise PermissionError(f"{Path(out).parent}: nothing can be written there.")


def work(flags, video, shown):
    """Watches a video.

    Args:
        flags: Flags, checked.
        video: Video.
        shown: what looks at frames, with `sightings`, `notes` and `about`.

    Raises:
        KeyboardInterrupt: once all is written, if it was watched in part.
    """
    timeline, pictures = watch(video, shown.sightings, flags.every, shown.notes())
    for note in timeline.notes:
        print(f"note: {note}", file=sys.stderr)
    # First, so that they are not lost where the disk is full.
    for line in _said(timeline):
        print(line)
    if flags.json:
        write_json(flags.json, {**shown.about(), **timeline.to_dict()})
    if flags.timeline:
        # Here, since pages need an extra.
        from logo_keras.video.page import page

        write(flags.timeline, page(timeline, pictures))
    if not timeline.complete:
        raise KeyboardInterrupt(f"What was seen until {clock(timeline.seconds)} is written.")


def _said(timeline):
    """As lines of text, one a brand: list of str."""
    lines = []
    for brand in timeline.brands:
        many = counted(len(brand.appearances), "appearances")
        line = f"{printable(brand.label)}: {brand.seconds:.1f} s ({brand.share_of_time:.1%}), {many}"
        if brand.share_while_seen is not None:
            line += f", {brand.share_while_seen:.1%} of the picture"
        lines.append(line)
    return lines or [f"none: no brand was recognized in {counted(len(timeline.looks), 'frames')}."]
