"""What a command prints: any file name on any console, and an error as one line."""

import sys
import traceback


def accept_any_name():
    """Prints characters that the console cannot show as backslash escapes, instead of ending the run.

    File names need not be valid UTF-8, and a console may know Latin letters only. Call it before anything is printed.
    """
    for stream in (sys.stdout, sys.stderr):
        # None without a console; a stream that was replaced may not have the method.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def say_error(program, error, debug=False):
    """Prints an error on stderr.

    Args:
        program: str, the name that the line begins with.
        error: the exception.
        debug: bool, print the whole traceback instead of one line.
    """
    if debug:
        traceback.print_exception(error)
        return
    # Keras's own errors have several lines.
    message = " ".join(str(error).split()) or type(error).__name__
    # The message of another library seldom says enough.
    hint = "" if _is_ours(error) else " (--debug shows where this comes from)"
    print(f"{program}: {message}{hint}", file=sys.stderr)


def _is_ours(error):
    """Whether this package raised the error itself, or it is the system's about a file."""
    if isinstance(error, (OSError, ImportError)):
        return True
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    # absl's errors about flags are written for users.
    return not frames or frames[-1].f_globals.get("__name__", "").partition(".")[0] in ("logo_keras", "absl")
