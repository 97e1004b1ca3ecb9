"""What a load did, in the fields that the contract promises."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class LoadSummary:
    """Counts of one `ingest` call: read = loaded + duplicates + unchanged + quarantined."""

    files: int = 0
    read: int = 0
    loaded: int = 0
    duplicates: int = 0
    unchanged: int = 0
    unknown: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    by_object: dict[str, int] = field(default_factory=dict)

    def add(self, other: LoadSummary) -> None:
        """Add another call's counts (not its seconds)."""
        for name in ("files", "read", "loaded", "duplicates", "unchanged", "unknown", "quarantined"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, count in other.by_object.items():
            self.by_object[kind] = self.by_object.get(kind, 0) + count

    def document(self) -> dict[str, object]:
        """The JSON document of `ingest --json`."""
        return {**vars(self), "seconds": round(self.seconds, 3)}
