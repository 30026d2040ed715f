"""Checks of arguments: each gives the value back, or raises an error that names the argument."""

import numbers

from logo_keras.errors import UserError


def class_names_of(num_classes, class_names):
    """The class names, a tuple of str, from whichever of the two arguments was given.

    Raises:
        ValueError: if neither was, they disagree, or the names are none or not different.
    """
    if num_classes is not None:
        num_classes = whole("num_classes", num_classes, 1)
    if class_names is None:
        if num_classes is None:
            raise UserError("one of num_classes and class_names is required.")
        class_names = [str(number) for number in range(num_classes)]
    if isinstance(class_names, str):
        raise UserError(f"class_names must be several names, got the text {class_names!r}.")
    class_names = tuple(str(name) for name in class_names)
    if not class_names:
        raise UserError("a model needs at least one class, got none.")
    if num_classes not in (None, len(class_names)):
        raise UserError(f"num_classes and class_names must agree, got {num_classes} and {len(class_names)} names.")
    if len(set(class_names)) < len(class_names):
        raise UserError(f"class_names must differ from each other, got {', '.join(class_names)}.")
    return class_names


def multiple_of_32(name, size):
    """`size` as an int; see `multiple_of`."""
    return multiple_of(32, name, size)


def multiple_of(step, name, size):
    """`size` as an int.

    Raises:
        ValueError: naming the argument, if it is no positive multiple of `step` px.
    """
    if not is_whole(size, step) or size % step:
        raise UserError(f"{name} must be a multiple of {step} px, got {size!r}.")
    return int(size)


def whole(name, value, lowest):
    """`value` as an int.

    Raises:
        ValueError: naming the argument, if it is no integer of at least `lowest`.
    """
    if not is_whole(value, lowest):
        raise UserError(f"{name} must be an integer of at least {lowest}, got {value!r}.")
    return int(value)


def share(name, value):
    """`value` as it is.

    Raises:
        ValueError: naming the argument, if it is no number in [0, 1).
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= value < 1:
        raise UserError(f"{name} must be a number in [0, 1), got {value!r}.")
    return value


def probability(name, value):
    """`value` as a float.

    Raises:
        ValueError: naming the argument, if it is no number in (0, 1).
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value < 1:
        raise UserError(f"{name} must be a number in (0, 1), got {value!r}.")
    return float(value)


def positive(name, value):
    """`value` as it is.

    Raises:
        ValueError: naming the argument, if it is no finite number above 0.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):
        raise UserError(f"{name} must be a number above 0, got {value!r}.")
    return value


def flag(name, value):
    """`value` as it is.

    Raises:
        ValueError: naming the argument, if it is neither True nor False.
    """
    if not isinstance(value, bool):
        raise UserError(f"{name} must be True or False, got {value!r}.")
    return value


def one_of(name, value, known):
    """`value` as it is.

    Raises:
        ValueError: naming the argument and what is known, if it is none of them.
    """
    if value not in known:
        raise UserError(f"{name} must be one of {', '.join(map(str, known))}, got {value!r}.")
    return value


def is_whole(value, lowest):
    """Whether a value is an integer of at least `lowest`: bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= lowest
