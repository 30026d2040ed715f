"""Checks of constructor arguments that the models share."""

import numbers


def class_names_of(num_classes, class_names):
    """The class names, a tuple of str, from whichever of the two arguments was given.

    Raises:
        ValueError: if neither was, they disagree, or the names are none or not different.
    """
    if num_classes is not None and not _whole(num_classes):
        raise ValueError(f"num_classes must be a whole number of at least 1, got {num_classes!r}.")
    if class_names is None:
        if num_classes is None:
            raise ValueError("one of num_classes and class_names is required.")
        class_names = [str(number) for number in range(num_classes)]
    if isinstance(class_names, str):
        raise ValueError(f"class_names must be several names, got the text {class_names!r}.")
    class_names = tuple(str(name) for name in class_names)
    if not class_names:
        raise ValueError("a model needs at least one class, got none.")
    if num_classes not in (None, len(class_names)):
        raise ValueError(f"num_classes and class_names must agree, got {num_classes} and {len(class_names)} names.")
    if len(set(class_names)) < len(class_names):
        raise ValueError(f"class_names must differ from each other, got {', '.join(class_names)}.")
    return class_names


def multiple_of_32(name, size):
    """`size` as an int.

    Raises:
        ValueError: naming the argument, if it is no positive multiple of 32.
    """
    if not _whole(size) or size < 32 or size % 32:
        raise ValueError(f"{name} must be a multiple of 32 px, got {size!r}.")
    return int(size)


def at_least_32(name, size):
    """`size` as an int.

    Raises:
        ValueError: naming the argument, if it is no whole number of at least 32.
    """
    if not _whole(size) or size < 32:
        raise ValueError(f"{name} must be a whole number of at least 32 px, got {size!r}.")
    return int(size)


def _whole(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
