"""The project's own files, as git would ship them."""

import subprocess
from pathlib import Path
from typing import Final

from demo.supervision import ROOT

PACKAGES: Final = ("octo", "campaigns", "payments", "treasury", "stripe_sandbox", "demo")
SKIPPED: Final = {".venv", ".git", "instance", "build", "screenshots", "__pycache__"}


def shipped_files(*suffixes: str) -> list[Path]:
    """Return the files of the project with one of these suffixes (all without), sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:  # an archive without its history
        paths = [p for p in ROOT.rglob("*") if not SKIPPED & set(p.relative_to(ROOT).parts)]
    files = [p for p in paths if p.is_file() and (not suffixes or p.suffix in suffixes)]
    assert files, f"no file {suffixes} found: this proves nothing"
    return sorted(files)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
