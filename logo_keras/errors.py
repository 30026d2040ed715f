"""The errors that a user can mend."""


class UserError(ValueError):
    """Something that the caller gave does not fit; the message says what came and what was expected.

    Commands print it as one line. Any other ValueError is a fault of the program and keeps its traceback.
    """

    # AutoGraph raises an error again as its own class only if it is built like a plain Exception; else as a StagingError.
    __init__ = Exception.__init__
