"""What the models' constructors take, read from their source: `--help` need not wait for Keras."""

import ast
import dataclasses
import functools
import inspect
import re
from importlib import util
from pathlib import Path

from logo_keras.errors import UserError

# What commands call a model for short, and its class.
MODELS = {"plain": "Classifier", "nts": "NTSNet", "drna": "DRNANet", "embedder": "LogoEmbedder"}
MODELS |= {"detector": "LogoDetector"}
# The folder of the models' source.
NETWORK = Path(*util.find_spec("logo_keras").submodule_search_locations, "network")
# A run gives these itself: the names from its data, the embedder from the file that it starts from. The last two are fitted when
# it has ended.
_OF_THE_RUN = ("num_classes", "class_names", "embedder", "temperature", "threshold")


@dataclasses.dataclass(frozen=True)
class Argument:
    """An argument of a constructor, or a field of a dataclass.

    Attributes:
        name: str.
        default: the value that it has where nothing is given.
        text: str, what the docstring says of it; empty where it says nothing.
    """

    name: str
    default: object
    text: str

    @property
    def kind(self):
        """The type of its values: int, float, bool, str or tuple; None where several are possible."""
        stated = re.match(r"(int|float|bool|str)\b(?! or (?!None))", self.text)
        if stated:
            return {"int": int, "float": float, "bool": bool, "str": str}[stated[1]]
        return None if self.default is None else type(self.default)


def model_arguments(model):
    """The arguments of a model's constructor, without those that a run gives itself.

    Args:
        model: str, the name of a class of `logo_keras.network`.

    Returns:
        dict from name to Argument, those of the base classes first.
    """
    return {name: argument for name, argument in constructor(model, NETWORK).items() if name not in _OF_THE_RUN}


def constructor(name, folder):
    """Reads the arguments of a class's constructor, and of its bases' where it passes `**kwargs` on to them.

    An argument counts where the class itself names it, or where a base both names and documents it. The default is that of
    the class nearest to `name` that has one, and so is the text.

    Args:
        name: str, the class.
        folder: path of the Python files that define it and its bases. Bases that are defined elsewhere are left out.

    Returns:
        dict from name to Argument.

    Raises:
        KeyError: if there is no such class.
        ValueError: naming the class and the argument, if a default is no literal.
    """
    found, named = _constructor(name, Path(folder))
    return {each: argument for each, argument in found.items() if argument.text or each in named}


@functools.cache
def _constructor(name, folder):
    """The arguments of a class and its bases by name, documented or not; and the names in the class's own signature."""
    node, found = _classes(folder)[name], {}
    function = next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)
    if function is None or function.args.kwarg:
        for base in reversed(node.bases):
            known = getattr(base, "id", getattr(base, "attr", None))
            if known in _classes(folder):
                found |= _constructor(known, folder)[0]
    named = {} if function is None else _signature(function)
    for argument, default in named.items():
        try:
            value = ast.literal_eval(default)
        except ValueError:
            raise UserError(f"the default of {name}({argument}=) must be a literal, got {ast.unparse(default)}.") from None
        found[argument] = Argument(argument, value, found[argument].text if argument in found else "")
    for argument, text in documented(ast.get_docstring(node) or "", "Args").items():
        if argument in found:
            found[argument] = dataclasses.replace(found[argument], text=text)
    return found, set(named)


@functools.cache
def _classes(folder):
    """The classes that the files of a folder define, by name."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.py"))]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def _signature(function):
    """The defaults of a function's arguments, by name; an argument without one is left out."""
    given = function.args
    named = dict(zip(reversed(given.args), reversed(given.defaults), strict=False))
    pairs = [*reversed(named.items()), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return {argument.arg: default for argument, default in pairs if default is not None}


def documented(docstring, section):
    """What a docstring says of each name in one of its sections.

    Args:
        docstring: str, as Google's style has it: `name: text`, further lines indented more.
        section: str, "Args" or "Attributes".

    Returns:
        dict from name to text on one line. An entry of several names says nothing of each.
    """
    _, _, rest = f"\n{inspect.cleandoc(docstring)}\n".partition(f"\n{section}:\n")
    lines = re.match(r"(?:[ \t]+.*\n|\n)*", rest)[0]
    entries = re.split(r"^(\w+): ", inspect.cleandoc(lines), flags=re.MULTILINE)
    # An entry that is none, of several names, would count as the end of the one before it.
    texts = [re.split(r"^\S", f" {text}", maxsplit=1, flags=re.MULTILINE)[0] for text in entries[2::2]]
    return {name: " ".join(text.split()) for name, text in zip(entries[1::2], texts, strict=True)}
