"""The installation's secret: `MILLSTREAM_SECRET_KEY`, or one that is made once and kept in the data folder.

It signs the links in mails and hides the addresses of suppressed people, so it belongs to what can not be
recomputed: back it up with the state store, and give every machine that shares a store the same one.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from pipelines.files import sync_folder
from pipelines.settings import Settings

_KEY_FILE = "secret.key"


def secret_key(settings: Settings) -> bytes:
    """`MILLSTREAM_SECRET_KEY`, or a key made once and kept in the data folder (mode 0600)."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / _KEY_FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return _make_key(path)


def _make_key(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_hex(32).encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    with suppress(FileExistsError):  # Another process was first: then its key holds.
        os.link(aside, path)
    aside.unlink()
    sync_folder(path.parent)
    return path.read_bytes()
