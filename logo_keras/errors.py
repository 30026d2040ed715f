"""The errors that a user can mend."""


class UserError(ValueError):
    """Something that the caller gave does not fit; the message says what came and what was expected.

    Commands print it as one line. Any other ValueError is a fault of the program and keeps its traceback.
    """

    # AutoGraph raises an error again as its own class only if it is built like a plain Exception; else as a StagingError.
    __init__ = Exception.__init__


class FileError(UserError):
    """A file that cannot be used.

    Attributes:
        name: str, the path of the file, or what else names it.
        reason: str.
    """

    def __init__(self, name, reason):
        super().__init__(name, reason)
        self.name = str(name)
        self.reason = str(reason)

    def __str__(self):
        return f"{self.name}: {self.reason}"
