"""The rules of the house's structure, so that breaking one fails here and not in a year."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
# Who may know whom: the higher decides, the lower acts.
LEVELS = {"tickets": 0, "voice": 1, "triage": 2}
LONGEST_FUNCTION, USUAL_FUNCTION, LONGEST_MODULE = 50, 25, 400
NO_MODULES = {"utils", "helpers", "services", "common", "misc", "signals"}
MODULES = sorted(
    path
    for package in LEVELS
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts and path.stat().st_size
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _docstrings(tree: ast.Module) -> set[int]:
    """Ids of the constants that are docstrings or stand alone."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def test_no_foreign_key_points_up() -> None:
    for model in apps.get_models(include_auto_created=True):
        level = LEVELS.get(model._meta.app_label)
        for field in model._meta.get_fields() if level is not None else ():
            if field.related_model is None or field.auto_created or isinstance(field.related_model, str):
                continue
            target = LEVELS.get(field.related_model._meta.app_label, -1)
            assert target <= level, f"{model.__name__}.{field.name} points up"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_dotted_string_names_what_is_above(path: Path) -> None:
    level = LEVELS[path.relative_to(ROOT).parts[0]]
    above = [name for name, its in LEVELS.items() if its > level]
    if not above:
        return
    tree = ast.parse(path.read_text())
    prose = _docstrings(tree)
    dotted = re.compile(rf"\b({'|'.join(above)})\.\w")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            assert not dotted.search(node.value), f"{_name(path)}:{node.lineno} says {node.value!r}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_says_its_job_and_keeps_to_the_budgets(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    assert ast.get_docstring(tree), "begins with a sentence that says its job"
    assert path.stem not in NO_MODULES, "is named after a job"
    assert len(source.splitlines()) <= LONGEST_MODULE
    for function in _functions(tree):
        assert _lines(function) <= LONGEST_FUNCTION, f"{function.name} has {_lines(function)} lines"


def test_most_functions_are_short() -> None:
    lengths = [_lines(function) for path in MODULES for function in _functions(ast.parse(path.read_text()))]
    short = sum(length <= USUAL_FUNCTION for length in lengths)
    assert short / len(lengths) >= 0.9


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_first_party_import_hides_in_a_function(path: Path) -> None:
    for function in _functions(ast.parse(path.read_text())):
        if path.name == "apps.py" and function.name == "ready":
            continue  # Django loads apps before models: what ready() wires up cannot be imported earlier.
        for node in ast.walk(function):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            hidden = [name for name in names if name.partition(".")[0] in {*LEVELS, ""}]
            assert not hidden, f"{function.name} imports {hidden}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*LEVELS, cache_dir=None)
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    # Take away, again and again, what imports nothing that is left; a circle stays.
    while free := {module for module, imported in left.items() if not imported}:
        left = {module: imported - free for module, imported in left.items() if module not in free}
    assert not left, f"a circle among {sorted(left)}"


def test_imports_keep_to_the_contracts() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
