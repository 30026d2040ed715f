"""Flags for what models and training runs take: names, texts and defaults are those of the code."""

import ast
import dataclasses
import inspect

from logo_keras.commands.command import Flags
from logo_keras.training.config import DEFAULTS, Config
from logo_keras.training.constructors import MODELS, Argument, documented, model_arguments

_DEFINE = {bool: Flags.boolean, int: Flags.integer, float: Flags.float, tuple: Flags.list}


def define_model_arguments(values, names=None):
    """Defines a flag for each argument of the models' constructors.

    Args:
        values: Flags.
        names: str, those that get a flag, whose text says nothing of defaults; None gives a flag to each.
    """
    for name, of_models in _by_name().items():
        if names is not None and name not in names:
            continue
        argument = next((each for each in of_models.values() if each.text), next(iter(of_models.values())))
        usual = {model: DEFAULTS[model].all_arguments[name] for model in of_models} if names is None else {}
        _define(values, argument.kind, name, argument.text, usual, [] if len(of_models) == len(MODELS) else of_models)


def given_model_arguments(values, names=None):
    """The arguments of models that were given as flags: dict from name to value."""
    kinds = {name: next(iter(of_models.values())).kind for name, of_models in _by_name().items()}
    given = {name: values[name].value for name in names or kinds if values[name].value is not None}
    return {name: _value(value, kinds[name]) for name, value in given.items()}


def define_fields(values):
    """Defines a flag for each setting of a training run."""
    texts = documented(inspect.getdoc(Config), "Attributes")
    fields = [field for field in dataclasses.fields(Config) if field.name not in ("model", "arguments")]
    for field in fields:
        # `float | None` is a float.
        (kind, *_) = getattr(field.type, "__args__", (field.type,))
        usual = {model: getattr(DEFAULTS[model], field.name) for model in MODELS}
        _define(values, kind if kind in (*_DEFINE, str) else tuple, field.name, texts[field.name], usual)


def _by_name() -> dict[str, dict[str, Argument]]:
    """By the name of each argument: the models that take it, by their short names, and what each says of it."""
    found = {}
    for short, model in MODELS.items():
        for name, argument in model_arguments(model).items():
            found.setdefault(name, {})[short] = argument
    return found


def _define(values, kind, name, text, usual, models=()):
    shown = {}
    for model, value in usual.items():
        shown.setdefault(_shown(value), []).append(model)
    each = [value if len(shown) == 1 else f"{value} for {' and '.join(of)}" for value, of in shown.items()]
    remarks = [", ".join(models), "several with commas" if kind is tuple else "", f"default {', '.join(each)}" if each else ""]
    # What is None in Python is given as none.
    text = text.replace("`", "").replace("None", "none").rstrip(".")
    remarks = "; ".join(filter(None, remarks))
    _DEFINE.get(kind, Flags.string)(values, name, None, f"{text} ({remarks})." if remarks else f"{text}.")


def _shown(value):
    if isinstance(value, (tuple, dict)):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _value(value, kind):
    """The value of an argument from that of its flag."""
    if kind is tuple:
        return () if value == ["none"] else tuple(value)
    if value == "none":
        return None
    if kind is None:
        # Numbers, and several with commas.
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return value
    return value
