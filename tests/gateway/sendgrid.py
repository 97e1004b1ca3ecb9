"""How to speak to the gateway as SendGrid does: a key of a test's own, signed bodies, events."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipelines.delivery.webhook import SIGNATURE, TIMESTAMP
from tests.gateway.calling import NOW, Answer, Caller

KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(0x0DD, ec.SECP256R1())
STRANGER = ec.derive_private_key(0xBAD, ec.SECP256R1())


def public_key(key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """The verification key as SendGrid's page shows it."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signed(body: bytes, at: datetime = NOW, key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    """The two headers over a body."""
    timestamp = str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp}


def body_of(*events: object) -> bytes:
    """A body as SendGrid posts it: with CR LF at its end, which the signature is over, too."""
    return json.dumps(events).encode() + b"\r\n"


def deliver(gateway: Caller, *events: object, at: datetime = NOW) -> Answer:
    """Post events, signed."""
    body = body_of(*events)
    return gateway.send("/webhooks/sendgrid", body, signed(body, at))


def mail_event(number: int, kind: str = "delivered", **more: Any) -> dict[str, Any]:
    """An event about the mail to person `number`."""
    return {
        "email": f"P{number}@Example.com", "timestamp": int(NOW.timestamp()) - 60, "event": kind,
        "sg_event_id": f"event-{kind}-{number}", "sg_message_id": f"message-{number}.filter0001",
        "dk": f"{number:064x}", "cid": "win-back", "occ": "once", "var": "", **more,
    }  # fmt: skip
