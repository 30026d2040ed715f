"""The project keeps its shape: packages, levels of imports, names, versions, lock files, the lazy and light import."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
from conftest import ROOT

import logo_keras

# Level of each module and of all below it. Imports point down or sideways; `logo_keras` itself imports lazily.
LEVELS = {
    "logo_keras": 0,
    "logo_keras.arguments": 0,
    "logo_keras.download": 0,
    "logo_keras.errors": 0,
    "logo_keras.extras": 0,
    "logo_keras.files": 0,
    "logo_keras.keras_settings": 0,
    "logo_keras.image": 1,
    "logo_keras.edge": 2,
    "logo_keras.report": 2,
    "logo_keras.datasets": 3,
    "logo_keras.video": 3,
    "logo_keras.weights": 3,
    "logo_keras.backbones": 4,
    "logo_keras.network": 5,
    "logo_keras.evaluation": 6,
    "logo_keras.gallery": 6,
    "logo_keras.training": 6,
    "logo_keras.visualize": 6,
    "logo_keras.commands": 7,
    "logo_keras.demo": 7,
    "logo_keras.export": 7,
}
# What the edge runtime may not import.
TRAINING_STACK = {"tensorflow", "keras", "matplotlib", "skimage", "tf2onnx"}
MODELS = ("network", "backbones", "weights")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@functools.cache
def modules():
    """Returns every module of the package and its file; the folder export/ under the name it is installed as."""
    found = {}
    for folder, package in ((ROOT / "logo_keras", "logo_keras"), (ROOT / "export", "logo_keras.export")):
        for path in sorted(folder.rglob("*.py")):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def level(module):
    """Returns the level of a module of this package; None when the table does not know it."""
    if module == "logo_keras":
        return LEVELS[module]
    second = ".".join(module.split(".")[:2])
    return LEVELS.get(second)


@functools.cache
def imports(module):
    """Returns the dotted names that a module imports anywhere in its file, inside functions too."""
    path = modules()[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            names.update(f"{origin}.{alias.name}" for alias in node.names)
    return names


def edges(module):
    """Returns the modules of this package that a module imports, public names followed to the module that has them."""
    found = set()
    for name in imports(module):
        if name.split(".")[0] != "logo_keras":
            continue
        if name.startswith("logo_keras.") and name.count(".") == 1:
            name = logo_keras._HOMES.get(name.removeprefix("logo_keras."), name)
        while name not in modules():
            name = name.rpartition(".")[0]
        found.add(name)
    return found - {module}


def python(code, *blocked):
    """Runs code in a fresh process where the named modules cannot be imported; returns the finished process."""
    block = "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in blocked)
    return subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_every_folder_with_an_init_is_a_listed_package():
    listed = set(PYPROJECT["tool"]["setuptools"]["packages"])
    assert listed == {name for name, path in modules().items() if path.name == "__init__.py"}


def test_every_folder_with_modules_has_an_init():
    folders = {path.parent for path in modules().values()}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]


def test_every_module_has_a_level():
    unknown = [module for module in modules() if level(module) is None]
    assert not unknown, f"add these to LEVELS in {__file__}: {unknown}"


def test_imports_point_down_or_sideways():
    upward = [(m, target) for m in modules() for target in edges(m) if (level(target) or 0) > (level(m) or 0)]
    assert not upward


def test_imports_make_no_circle():
    done, path = set(), []

    def visit(module):
        assert module not in path, f"a circle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in done:
            return
        path.append(module)
        for target in sorted(edges(module)):
            visit(target)
        path.pop()
        done.add(module)

    for module in modules():
        visit(module)


def test_only_the_commands_import_the_package_as_a_whole():
    # `import logo_keras` gives every name of every level, so that the levels of what follows cannot be seen.
    assert not [m for m in modules() if "logo_keras" in imports(m) and level(m) != LEVELS["logo_keras.commands"]]


def test_models_and_data_sets_do_not_know_each_other():
    of_models = {m: edges(m) for m in modules() if m.split(".")[1:2] and m.split(".")[1] in MODELS}
    assert not [m for m, targets in of_models.items() if any(t.startswith("logo_keras.datasets") for t in targets)]
    of_sets = {m: edges(m) for m in modules() if m.startswith("logo_keras.datasets")}
    assert not [m for m, targets in of_sets.items() if any(t.split(".")[1:2] and t.split(".")[1] in MODELS for t in targets)]


def test_the_edge_runtime_imports_nothing_of_the_training_stack():
    reached, ahead = set(), {"logo_keras.edge"}
    while ahead:
        module = ahead.pop()
        reached.add(module)
        ahead |= edges(module) - reached
    assert not {m: heavy for m in reached if (heavy := {name.split(".")[0] for name in imports(m)} & TRAINING_STACK)}


def test_the_edge_command_imports_nothing_of_the_export_commands():
    assert not [target for target in edges("logo_keras.commands.predict") if target.startswith("logo_keras.export")]


def test_the_export_folder_never_names_itself():
    # It has two names; imported under both in one process its flags would be defined twice.
    inside = [m for m in modules() if m.startswith("logo_keras.export")]
    text = {m: modules()[m].read_text(encoding="utf-8") for m in inside}
    assert not [m for m in inside if re.search(r"^\s*(from|import) (logo_keras\.)?export\b", text[m], re.MULTILINE)]


def test_opencv_is_imported_by_way_of_the_error_that_names_its_packages():
    assert not [m for m in modules() if "cv2" in imports(m)], "write: from logo_keras.extras import cv2"


def test_no_file_is_longer_than_500_lines():
    files = [*modules().values(), *(ROOT / "benchmarks").glob("*.py")]
    long = {str(f.relative_to(ROOT)): n for f in files if (n := len(f.read_text(encoding="utf-8").splitlines())) > 500}
    assert not long


def test_what_benchmarks_import_from_each_other_is_there():
    """Most of them are not run by tests."""
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "benchmarks").glob("*.py")}

    def names(body):
        for node in body:
            if hasattr(node, "name"):
                yield node.name
            else:
                yield from (each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))

    defined = {name: {*names(tree.body)} for name, tree in trees.items()}
    missing = [
        f"{name}: {alias.name} of {node.module}"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in trees
        for alias in node.names
        if alias.name not in defined[node.module]
    ]
    assert not missing


def test_no_file_is_a_drawer_for_odds_and_ends():
    assert not [m for m in modules() if re.search(r"\.(_?)(utils?|helpers?|common|misc)$", m)]


def test_every_module_says_what_it_is():
    trees = {m: ast.parse(path.read_text(encoding="utf-8")) for m, path in modules().items()}
    assert not [m for m, tree in trees.items() if not ast.get_docstring(tree)]


def test_versions_agree():
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest.group(1) == logo_keras.__version__
    assert metadata.version("logo_keras") == logo_keras.__version__


@pytest.mark.parametrize("module", ["logo_keras", "logo_keras.network.navigator"])
def test_a_warning_raised_inside_the_package_is_an_error(module):
    with pytest.raises(UserWarning, match="raised on purpose"):
        exec("import warnings; warnings.warn('raised on purpose')", {"__name__": module})


@pytest.mark.parametrize("name", ["base.txt", "dev.txt"])
def test_lock_files_pin_versions_that_any_machine_can_install(name):
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    # name==version, perhaps with a marker: no index, address, path, or local version such as +cpu.
    assert not [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9A-Za-z.!]+( ; [^#@]+)?", line)]


def test_lock_files_hold_what_pyproject_asks_for():
    extras = PYPROJECT["project"]["optional-dependencies"]
    base = {name(line) for line in PYPROJECT["project"]["dependencies"]}
    dev = base.union(*({name(line) for line in extras[e]} for e in ("train", "zoo", "export", "demo", "dev"))) - {"logo-keras"}
    assert base <= locked("base.txt")
    assert dev | locked("base.txt") <= locked("dev.txt")


def name(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement).group().lower().replace("_", "-")


def locked(file):
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    return {name(line) for line in text.splitlines() if line and line[0].isalnum()}


def test_import_is_lazy():
    process = python(
        "import logo_keras\n"
        "assert not {'tensorflow', 'keras', 'cv2', 'numpy', 'ai_edge_litert'} & set(sys.modules), sorted(sys.modules)"
    )
    assert process.returncode == 0, process.stderr


def test_import_takes_less_than_300_ms():
    code = "import time; start = time.perf_counter(); import logo_keras; print(time.perf_counter() - start)"
    assert min(float(python(code).stdout) for _ in range(3)) < 0.3


def test_every_public_name_is_there():
    process = python(
        "import logo_keras\n"
        "for name in logo_keras.__all__:\n"
        "    assert getattr(logo_keras, name) is not None and name in dir(logo_keras), name"
    )
    assert process.returncode == 0, process.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Clasifier'"):
        logo_keras.Clasifier  # noqa: B018 - the access is the act


def test_the_edge_runtime_loads_without_the_training_stack():
    process = python(
        "from logo_keras import datasets, edge, metadata, preprocessing, recognition",
        *sorted(TRAINING_STACK),
    )
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("public", ["Backbone", "Classifier", "NTSNet", "DRNANet", "load", "layers.Navigator", "losses"])
@pytest.mark.parametrize("missing", ["keras", "tensorflow"])
def test_a_missing_extra_is_named(public, missing):
    process = python(f"import logo_keras\nlogo_keras.{public}", missing)
    assert process.returncode != 0
    assert f"needs {missing}, which is not installed: pip install 'logo_keras[train]'" in process.stderr


def test_require_names_what_is_missing_and_its_extra():
    process = python("from logo_keras.extras import require\nrequire('resvg_py', 'export')", "resvg_py")
    assert "MissingExtra: this part of logo_keras needs resvg_py" in process.stderr
    assert "pip install 'logo_keras[export]'" in process.stderr


def test_missing_opencv_is_named_with_both_packages():
    process = python("from logo_keras.extras import cv2", "cv2")
    assert "pip install opencv-python-headless, or opencv-python" in process.stderr


def test_an_error_of_this_package_is_not_taken_for_a_missing_extra():
    process = python("from logo_keras.extras import naming_extras\nwith naming_extras():\n    import logo_keras.no_such_module")
    assert "ModuleNotFoundError: No module named 'logo_keras.no_such_module'" in process.stderr
