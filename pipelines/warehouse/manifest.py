"""What a published snapshot is made of: a numbered JSON file beside immutable Parquet files.

`published/CURRENT` holds the newest number. Paths are relative to `published/`, so that a moved or
restored data folder still answers.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel

POINTER = "CURRENT"


class PublishedTable(BaseModel):
    """One table: its files (relative to `published/`, may be none) and its row count.

    `fingerprints` of files are equal where their rows are: what did not change is known by it without being written.
    """

    files: list[str]
    rows: int
    columns: dict[str, str]
    fingerprints: dict[str, str] = {}


class Manifest(BaseModel):
    """One snapshot."""

    number: int
    published_at: AwareDatetime
    as_of: AwareDatetime
    rules: str = ""
    """Digest of the models that made it; equal where the same rules did. Empty where nobody said."""
    tables: dict[str, PublishedTable]
    views: dict[str, str]

    def listed_files(self) -> set[str]:
        """Every file that this snapshot needs."""
        return {file for table in self.tables.values() for file in table.files}


def manifest_path(published: Path, number: int) -> Path:
    """Where snapshot `number` is described."""
    return published / f"{number:06d}.json"


def read_manifest(published: Path, number: int) -> Manifest:
    """Read snapshot `number`'s description."""
    return Manifest.model_validate_json(manifest_path(published, number).read_bytes())


def numbers(published: Path) -> list[int]:
    """Every number that has a manifest, ascending; one above the pointer was never published."""
    return sorted(int(path.stem) for path in published.glob("[0-9]*.json"))


def current_manifest(published: Path) -> Manifest | None:
    """The snapshot that readers open, or None before the first publish."""
    number = current_number(published)
    return None if number is None else read_manifest(published, number)


def current_number(published: Path) -> int | None:
    """The number that readers open, or None before the first publish."""
    try:
        return int((published / POINTER).read_text())
    except FileNotFoundError:
        return None
