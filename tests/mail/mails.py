"""One finished mail, and as many different ones as a test needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from pipelines.mail import Mail

MAIL = Mail(
    key="ab" * 32,
    attempt=1,
    campaign="win-back",
    occurrence="once",
    variant="",
    to="ann@example.com",
    from_email="hello@example.com",
    from_name="Example, Inc. ü",
    subject="Hello",
    html="<p>Hello</p>",
    text="Hello",
    unsubscribe_url="http://127.0.0.1:8000/u/" + "t0ken_-" * 20,
    at=datetime(2026, 6, 1, tzinfo=UTC),
)


def mail(number: int) -> Mail:
    """The mail of one of many people."""
    return replace(MAIL, key=sha256(str(number).encode()).hexdigest(), to=f"p{number}@example.com")
