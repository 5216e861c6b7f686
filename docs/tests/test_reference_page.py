"""The paths in the reference's README are what real runs print; a server that behaves otherwise prints others."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from seqproof_reference.routes import Routes

DOCS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def printing() -> Iterator[ModuleType]:
    """docs/ is no package: the script is loaded from its file."""
    spec = importlib.util.spec_from_file_location("print_reference", DOCS / "print_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_paths_are_what_real_runs_print(printing: ModuleType) -> None:
    assert printing.main(["--check"]) == 0, "run: python docs/print_reference.py"


def test_every_path_has_its_place_and_each_place_its_path(printing: ModuleType) -> None:
    text = (DOCS / "print_reference.txt").read_text("utf-8")
    assert {name for name in printing.PATHS if text.count("{{ " + name + " }}") == 1} == set(printing.PATHS)
    assert "{{" not in printing.PAGE.read_text("utf-8")


def test_a_server_that_does_not_find_the_phone_prints_other_paths(
    printing: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted: nobody is ever routed."""

    def nowhere(_routes: Routes, _account: str) -> None:
        return None

    monkeypatch.setattr(Routes, "current", nowhere)
    assert printing.main(["--check"]) == 1
    assert "stale: reference_impl/README.md" in capsys.readouterr().err
