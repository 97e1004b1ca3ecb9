"""Address keys as suppressions keep them: hidden by the secret, so that a copy of the store names nobody.

A bare key is the hash of an address, and whoever guesses addresses finds it. A suppression outlives its person's
erasure, so it keeps HMAC-SHA256(secret, key) instead. Another secret would find nobody and mail everybody:
the store holds a mark of the secret that it was written with, and any other is refused (decision 0087).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, delete, insert, select, update

from pipelines.errors import MillstreamError
from pipelines.state.engine import SECRET
from pipelines.state.tables import cursors, suppressions

_PURPOSE = b"millstream.suppression.1|"
_MARK = "privacy/secret"
_MARKED = select(cursors.c.value).where(cursors.c.name == _MARK)
_known: WeakKeyDictionary[Engine, bytes] = WeakKeyDictionary()
"""The secret of each store that was compared with its mark."""


def hidden_keys(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """The hidden form of each key.

    Raises:
        MillstreamError: this store was written with another secret.
    """
    secret = _secret(connection)
    return {key: hmac.digest(secret, _PURPOSE + key.encode(), "sha256").hex() for key in keys}


def hide_all(connection: Connection) -> int:
    """Hide what an older version left bare, in the caller's transaction, and mark the store with the secret.

    Again it does nothing. Returns how many were bare.
    """
    secret = _secret(connection)
    if connection.scalar(_MARKED) is None:
        connection.execute(insert(cursors).values(name=_MARK, value=_mark(secret), updated_at=datetime.now(UTC)))
    columns = suppressions.c
    bare = connection.execute(select(columns.address_key, columns.scope).where(columns.is_hidden.is_(False))).all()
    if not bare:
        return 0
    names = hidden_keys(connection, (row.address_key for row in bare))
    for row in bare:
        new = names[row.address_key]
        this = (columns.address_key == row.address_key, columns.scope == row.scope)
        twin = select(columns.scope).where(columns.address_key == new, columns.scope == row.scope)
        if connection.execute(twin).first() is not None:
            connection.execute(delete(suppressions).where(*this))
        else:
            connection.execute(update(suppressions).where(*this).values(address_key=new, is_hidden=True))
    return len(bare)


def _secret(connection: Connection) -> bytes:
    secret: bytes = connection.get_execution_options()[SECRET]()
    if _known.get(connection.engine) != secret:
        mark = connection.scalar(_MARKED)
        if mark is not None and not hmac.compare_digest(str(mark), _mark(secret)):
            raise MillstreamError(
                "the secret key is not the one that suppressions were written with, so nobody could be recognised. "
                "Nobody is mailed and nothing was changed. Set MILLSTREAM_SECRET_KEY to that one, or put "
                "secret.key back into the data folder from a backup."
            )
        if mark is not None:
            _known[connection.engine] = secret
    return secret


def _mark(secret: bytes) -> str:
    return hashlib.sha256(b"millstream.mark.1|" + secret).hexdigest()
