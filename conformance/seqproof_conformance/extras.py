"""Modules that only an extra of the kit brings: imported when a target needs them, with the mend where they lack."""

from __future__ import annotations

import importlib
from typing import Any

from seqproof_conformance.adapter import TargetError


def extra(target: str, module: str, mend: str) -> Any:
    """Import a module of an extra, whose types are too loose to use. Raises TargetError with the mend."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TargetError(f"{target} needs the module {module} ({error}): {mend}") from None
