"""Get a file of rates: from a path, or over HTTP; of a zip (the European Central Bank's), the one CSV inside."""

from __future__ import annotations

import shutil
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.parse import urlsplit

from pipelines.errors import MillstreamError

SECONDS = 30
LARGEST = 64 << 20
"""So many bytes are taken of a download or an unpacked file; all rates that the ECB ever fixed are one."""


class RatesUnreachableError(MillstreamError):
    """The source gave no file of rates; those that are known stay."""


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """The CSV of a source, under the name that messages and the quarantine call it by.

    Raises:
        RatesUnreachableError: there is no such file, the address does not answer, or the zip holds no CSV.
    """
    with TemporaryDirectory(prefix="millstream-rates-") as folder:
        yield _csv_of(_downloaded(source, Path(folder)) if is_address(source) else _file(source), Path(folder))


def is_address(source: str) -> bool:
    """Whether a source is asked over HTTP."""
    return source.startswith(("http://", "https://"))


def _file(source: str) -> Path:
    path = Path(source).expanduser()
    if not path.is_file():
        raise RatesUnreachableError(f"exchange rates: there is no file {source}. The rates stay as they are.")
    return path


def _downloaded(source: str, folder: Path) -> Path:
    path = folder / (Path(urlsplit(source).path).name or "rates.csv")
    host = urlsplit(source).hostname
    try:
        with urllib.request.urlopen(source, timeout=SECONDS) as answer, path.open("wb") as file:
            content = answer.read(LARGEST + 1)
            file.write(content)
    except HTTPError as problem:
        raise RatesUnreachableError(
            f"exchange rates: {host} answered {problem.code}. The rates stay as they are."
        ) from None
    except (OSError, ValueError) as problem:
        reason = type(getattr(problem, "reason", problem)).__name__
        raise RatesUnreachableError(
            f"exchange rates: {host} does not answer ({reason}). The rates stay as they are."
        ) from None
    if len(content) > LARGEST:
        raise RatesUnreachableError(f"exchange rates: {host} sent more than 64 MiB. The rates stay as they are.")
    return path


def _csv_of(path: Path, folder: Path) -> Path:
    if not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        inside = [one for one in archive.infolist() if one.filename.lower().endswith(".csv")]
        if len(inside) != 1 or inside[0].file_size > LARGEST:
            raise RatesUnreachableError(f"exchange rates: {path.name} has not one CSV. The rates stay as they are.")
        unpacked = folder / Path(inside[0].filename).name
        with archive.open(inside[0]) as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target)
    return unpacked
