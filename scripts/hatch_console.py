"""The hook of the package's build: a wheel and an sdist carry the built console."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface[Any]):
    """Builds `src/sojourn/_console` where it is stale; an editable installation builds nothing."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from the package index, only where the console must be built and no good Node is found."""
        script = self._script()
        if self._is_editable() or script.is_built() or script.has_node():
            return []
        return [script.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build; raises RuntimeError when there is no console afterwards."""
        if version == "editable":
            return
        root = Path(self.root)
        script = self._script()
        if not script.is_built():
            subprocess.run([sys.executable, str(root / "scripts/build_console.py")], cwd=root, check=True)
        if not (root / "src/sojourn/_console/index.html").exists():
            raise RuntimeError("the console is not built: src/sojourn/_console/index.html is missing")

    def _is_editable(self) -> bool:
        return "editable" in self.build_config.target_config.get("versions", [])

    def _script(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("build_console", Path(self.root) / "scripts/build_console.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
