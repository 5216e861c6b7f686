"""The wheel: all four packages with their data, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_holds_packages_and_data(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("model", "reference_impl", "conformance", "reports"):
        (package,) = (ROOT / folder).glob("seqproof_*")
        for path in package.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to(ROOT / folder).as_posix() in names, f"{path} is not in the wheel"
    assert not [name for name in names if "tests/" in name], "tests do not belong in the wheel"
    assert any(name.endswith("entry_points.txt") for name in names)
