"""What the fake SendGrid tells of the mails that it took: bodies of its event webhook, signed as it signs them.

`events` gives each mail's events; `signed` the body and its two headers. Posting them is the caller's, in any
order and as often as it likes: SendGrid promises neither.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from pipelines.demo.sendgrid_account import SendGridAccount
from pipelines.demo.sendgrid_rules import Json

_MORE: dict[str, Json] = {
    "delivered": {"response": "250 OK", "tls": 1},
    "deferred": {"response": "451 4.7.1 try again later", "attempt": "1"},
    "bounce": {
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "reason": "550 5.1.1 unknown user",
        "status": "5.1.1",
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "open": {"sg_machine_open": False, "useragent": "Mozilla/5.0", "ip": "192.0.2.1"},
    "click": {"url": "https://example.com/news", "useragent": "Mozilla/5.0", "ip": "192.0.2.1"},
}


def events(account: SendGridAccount, kinds: Iterable[str] = ("processed", "delivered"), *, at: datetime) -> list[Json]:
    """One event of each kind about each mail that the account keeps, a second apart."""
    told = list(kinds)
    return [event for mail in account.mails for event in _of(mail, account.message_ids, told, int(at.timestamp()))]


def signed(told: list[Json], key: ec.EllipticCurvePrivateKey, *, at: datetime) -> tuple[bytes, dict[str, str]]:
    """A body as it is posted, with CR LF at its end, and the headers whose signature is over that, too."""
    body, timestamp = orjson.dumps(told) + b"\r\n", str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return body, {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def _of(mail: Json, message_ids: dict[str, str], kinds: list[str], second: int) -> Iterator[Json]:
    for person in mail["personalizations"]:
        arguments = person.get("custom_args", {})
        message = message_ids[str(arguments.get("dk", ""))]
        for number, kind in enumerate(kinds):
            yield {
                "email": person["to"][0]["email"],
                "timestamp": second + number,
                "event": kind,
                "sg_event_id": hashlib.sha256(f"{message}:{kind}:{number}".encode()).hexdigest()[:22],
                "sg_message_id": f"{message}.filter0001.16648.5515E0B88.0",
                "smtp-id": f"<{message}@ismtpd-555>",
                "category": mail.get("categories", []),
                **_MORE.get(kind, {}),
                **arguments,
            }
