"""The house rules, enforced: which way imports point, how long a function is, and that no file is an orphan.

A rule that is broken names the file and the mend.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "seqproof_model": ROOT / "model" / "seqproof_model",
    "seqproof_reference": ROOT / "reference_impl" / "seqproof_reference",
    "seqproof_conformance": ROOT / "conformance" / "seqproof_conformance",
    "seqproof_reports": ROOT / "reports" / "seqproof_reports",
}
MAY_IMPORT = {
    "seqproof_model": set[str](),
    "seqproof_reference": {"seqproof_model"},
    "seqproof_reports": {"seqproof_model"},
    "seqproof_conformance": {"seqproof_model"},
}
COMMAND_LINE = {
    f"seqproof_conformance.{name}"
    for name in (
        "cli", "command_run", "command_mutants", "command_matrix", "command_compare", "command_report", "running",
        "pytest_plugin", "designer", "designer_files", "designer_prove",
    )
}  # fmt: skip
LONGEST_FUNCTION, LONGEST_FILE = 70, 480
ROOTS = {  # modules that nothing imports, and why they are there
    "seqproof_conformance.start": "the console script",
    "seqproof_conformance.boundary_search": "run as a module: finds the boundary traces with Z3, and checks them",
    "seqproof_conformance.witness_search": "run as a module: finds the faults' shortest counterexamples",
    "seqproof_conformance.repro": "called by the test_repro.py of each counterexample",
    "seqproof_conformance.watchdog": "run as a process of its own",
    "seqproof_conformance.samples.python.adapter": "written by `seqproof new-adapter`",
    "seqproof_conformance.samples.python.toy": "written by `seqproof new-adapter`",
    "seqproof_conformance.pytest_plugin": "loaded by pytest",
    "seqproof_conformance.samples.phone.phone": "a phone to begin with; run by path",
    "seqproof_reference.phone_faulty": "opened by name, as phone and phone-mutant: targets",
    "seqproof_conformance.sampled": "races at a server's own pace, for benchmarks and tests",
    "seqproof_conformance.load": "clients under load, for benchmarks and tests",
    "seqproof_reference.__main__": "python -m seqproof_reference",
    "seqproof_reference.phone_client": "the phone on a real network, for measurements and for people who copy it",
    "seqproof_reference.faulty": "opened by name, as mutant: targets",
    "seqproof_reports.model_tables": "printed into the docs",
    "seqproof_model.worlds": "the judge's oracle, for tests",
    "seqproof_model.shapes": "correct servers, for tests and benchmarks",
    "seqproof_model.orders": "all histories of few operations, for tests and benchmarks",
    "seqproof_model.result_schemas": "run as a module: prints the schemas that are shipped",
    "seqproof_model.script": "histories in a few words, for tests",
}
FOLDERS = ("model", "reference_impl", "conformance", "reports", "docs")


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join((package, *(part for part in parts if part != "__init__"))), path


MODULES = dict(modules())


def imports(path: Path) -> set[str]:
    """The dotted names of this house that a file imports; ``from a import b`` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import; write the whole name"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name: str) -> None:
    package = name.split(".")[0]
    allowed = set(PACKAGES) if name in COMMAND_LINE else MAY_IMPORT[package] | {package}
    wrong = {other for other in imports(MODULES[name]) if other.split(".")[0] not in allowed}
    assert not wrong, f"{name} imports {sorted(wrong)}; {package} may know only {sorted(allowed)}"


def test_only_the_command_line_is_excepted() -> None:
    others = {name for name in set(MODULES) - COMMAND_LINE if COMMAND_LINE & imports(MODULES[name])}
    others -= {"seqproof_conformance.start"}
    assert not others, f"{sorted(others)} import the command line; it stands above all"


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_have_no_import_cycle(package: str) -> None:
    edges = {name: imports(path) & set(MODULES) - {name} for name, path in MODULES.items() if name.startswith(package)}
    done: set[str] = set()
    while ready := {name for name, needs in edges.items() if name not in done and not (needs & set(edges)) - done}:
        done |= ready
    assert done == set(edges), f"these import each other in a circle: {sorted(set(edges) - done)}"


def python_files() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_fit_a_screen(path: Path) -> None:
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name} has {length} lines; split it"
    lines = text.count("\n")
    assert lines <= LONGEST_FILE, f"{path} has {lines} lines; a file carries one idea"


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_open_with_prose(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path}: say first what the file is"


def test_no_module_is_an_orphan() -> None:
    imported = set[str]().union(*(imports(path) for path in MODULES.values()))
    orphans = {n for n in MODULES if n not in imported and n not in ROOTS and n not in PACKAGES}
    assert not orphans, f"nothing uses {sorted(orphans)}; use them, remove them, or name the reason in ROOTS"
    gone = set(ROOTS) - set(MODULES)
    assert not gone, f"ROOTS names {sorted(gone)}, which are gone"


def test_no_data_file_is_an_orphan() -> None:
    code = "\n".join(path.read_text("utf-8") for path in MODULES.values())
    for folder in PACKAGES.values():
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc", ".typed"):
                named = path.name in code or path.parent.name in ("golden", "templates", "boundary")
                assert named, f"no module names {path.relative_to(ROOT)}"


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in python_files() if path.name.startswith("test_")]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"{sorted(twice)} stand twice; pytest cannot tell them apart"


PRINTED = re.compile(r"<!-- (\w+): printed by [^>]+ -->\n.*?<!-- /\1 -->\n", re.DOTALL)


@pytest.mark.parametrize("folder", ["", *FOLDERS])
def test_each_folder_has_a_readme_of_one_screen(folder: str) -> None:
    readme = ROOT / folder / "README.md"
    assert readme.exists(), f"{folder} has no README.md"
    limit = 120 if folder == "" else 60
    written = PRINTED.sub("", readme.read_text("utf-8"))  # what a program prints between two marks is not counted
    assert written.count("\n") <= limit, f"{readme} is longer than a screen"


def test_each_package_is_typed_and_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(item).name for item in shipped} == set(PACKAGES)
    for folder in PACKAGES.values():
        assert (folder / "py.typed").exists(), f"{folder} has no py.typed"
