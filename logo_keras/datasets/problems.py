"""Everything that is wrong with a user's files, in one error instead of one fault a run."""

from logo_keras.errors import UserError

# Problems that an error lists.
_NAMED = 10


class Problems:
    """Collects errors while the rest is read, and raises them together."""

    def __init__(self):
        self._first, self._count = [], 0

    def add(self, text):
        """Notes a problem.

        Args:
            text: str, a sentence that names the file and the place.
        """
        self._count += 1
        if len(self._first) < _NAMED:
            self._first.append(text)

    def collecting(self):
        """A block that goes on after a ValueError, which is noted: a context manager."""
        # Not contextlib's: files have millions of entries, and it takes ten times as long.
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if isinstance(error, ProblemsError):
            for text in error.texts:
                self.add(text)
            self._count += error.count - len(error.texts)
        elif isinstance(error, ValueError):
            self.add(str(error))
        return isinstance(error, ValueError)

    def check(self):
        """Ends the collection.

        Raises:
            ValueError: if there were problems: the text of a single one, or the number of several and the first ten.
        """
        if self._count:
            raise ProblemsError(self._first, self._count)


class ProblemsError(UserError):
    """The problems that were collected."""

    def __init__(self, texts, count):
        self.texts, self.count = tuple(texts), count
        more = [f"and {count - len(texts)} more."] if count > len(texts) else []
        super().__init__(texts[0] if count == 1 else "\n".join([f"{count} problems:", *texts, *more]))

    def __reduce__(self):
        return ProblemsError, (self.texts, self.count)
