"""The graph of the dbt project, parsed once per place and state of its files.

A parse takes seconds, so its result is kept in the user's cache folder under the digest of the
project's files; the project itself is never written to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.errors import MillstreamError
from pipelines.transform.project import child_environment, project_digest

MANIFEST = "manifest.json"
PARTIAL_PARSE = "partial_parse.msgpack"


def cache_folder() -> Path:
    """Where the parse of the project as it is now is kept, or will be."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "millstream" / f"dbt-{project_digest()}"


def manifest_path() -> Path:
    """The manifest of the project as it is now; `prepare_manifest` makes it where it is missing."""
    return cache_folder() / MANIFEST


def prepare_manifest() -> Path:
    """Parse the project if its files changed since the last parse; answers the manifest's path.

    Raises:
        MillstreamError: the project does not parse.
    """
    folder = cache_folder()
    if not (folder / MANIFEST).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _parse(Path(scratch))
            _keep(Path(scratch), folder)
    return folder / MANIFEST


def _parse(target: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "pipelines.transform.child", "--no-use-colors", "--quiet", "parse"],
        cwd=target,
        env=child_environment(target, target / "logs"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if child.returncode != 0 or not (target / MANIFEST).exists():
        raise MillstreamError(f"the dbt project does not parse; nothing was changed. {child.stdout.strip()[-600:]}")


def _keep(scratch: Path, folder: Path) -> None:
    """Two processes may parse at once: whoever comes second leaves what is there."""
    ready = scratch / "ready"
    ready.mkdir()
    for name in (MANIFEST, PARTIAL_PARSE):
        shutil.move(scratch / name, ready / name)
    try:
        ready.rename(folder)
    except OSError:
        if not (folder / MANIFEST).exists():
            raise
