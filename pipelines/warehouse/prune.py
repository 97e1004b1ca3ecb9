"""Free what no kept snapshot needs: old manifests, their files, lake files that were replaced."""

from __future__ import annotations

from pathlib import Path

from pipelines.settings import Settings
from pipelines.warehouse.manifest import current_number, manifest_path, numbers, read_manifest

KEEP = 5
"""Snapshots kept on disk. A reading process holds at most three, so an open page stays whole."""


def prune(settings: Settings, *, lake_in_use: set[str], keep: int = KEEP) -> int:
    """Delete what is not needed and return the count of deleted files.

    `lake_in_use` are the lake files that the warehouse lists now (relative to the lake folder).
    Only the writer calls this: a file that is being written is not listed yet.
    """
    if keep < 3:
        raise ValueError("at least three snapshots must stay")
    folder = settings.published_dir
    newest = current_number(folder)
    if newest is None:
        return 0
    kept = [number for number in numbers(folder) if number <= newest][-keep:]
    needed = {(folder / file).resolve() for number in kept for file in read_manifest(folder, number).listed_files()} | {
        (settings.lake_dir / file).resolve() for file in lake_in_use
    }
    leftover = [manifest_path(folder, number) for number in numbers(folder) if number not in kept]
    leftover += [path for path in _files(folder / "files") if path.resolve() not in needed]
    leftover += [path for path in _files(settings.lake_dir) if path.resolve() not in needed]
    # Manifests go first: a crash in between leaves files too many, never a manifest without files.
    for path in leftover:
        path.unlink(missing_ok=True)
    return len(leftover)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
