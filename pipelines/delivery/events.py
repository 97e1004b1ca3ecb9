"""One event of SendGrid's as a row: what is kept of it, what is left out, and what it says of further mail.

Addresses become keys, texts that quote one (a bounce's reason) are masked. Nothing is written here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from pipelines.privacy import InvalidAddressError, parse_address
from pipelines.privacy.suppression import ALL
from pipelines.quality import MASK, masked_text

# Who and where somebody is; the landing zone keeps it, no question needs it.
_PERSONAL = ("email", "ip", "smtp-id", "useragent")
# A link to our own pages lets whoever has it answer for the person.
_TOKEN = re.compile(r"(/[uc]/)[^/?#\s]+")
_IDS = ("sg_event_id", "sg_message_id", "dk")
_KEY = re.compile(r"[0-9a-f]{64}")
_GROUP = re.compile(r"\d{1,18}")

# What the state store has room for; a name that is longer is nobody's of ours.
_EVENT_ID, _EVENT, _CAMPAIGN, _OCCURRENCE = 200, 40, 100, 40

# Programs that follow every link of a mail before its reader sees it, and libraries that nobody reads mail with.
_MACHINE = re.compile(
    r"bot\b|crawl|spider|scanner|preview|prefetch|proofpoint|barracuda|mimecast|messagelabs|symantec|ironport|forcepoint"
    r"|trendmicro|fireeye|trellix|sophos|checkpoint|safelinks|urldefense|virustotal|headless|phantomjs|^curl/|^wget/"
    r"|^python-|^java/|^go-http-client|^okhttp|^libwww|^apache-httpclient|^ruby|^php/|^axios/|^node-fetch",
    re.IGNORECASE,
)

UNSUBSCRIBED = "unsubscribed"
# Source: SendGrid, Event Webhook reference. A `blocked` bounce passes; a dropped mail tells why in words.
_SUPPRESSING = {"bounce": "bounce", "spamreport": "complaint", "unsubscribe": UNSUBSCRIBED}
_DROPPED = {
    "bounced address": "bounce", "invalid": "bounce", "spam reporting address": "complaint",
    "unsubscribed address": UNSUBSCRIBED,
}  # fmt: skip


class Refusal(NamedTuple):
    """The suppression that an event asks for."""

    reason: str
    scope: str = ALL


class Choice(NamedTuple):
    """An event's word about one of SendGrid's unsubscribe groups."""

    group: str
    leaves: bool


class Told(NamedTuple):
    """One event: the row of `raw_email.events`, and what only its reading knows."""

    row: dict[str, Any]
    address: str | None
    refusal: Refusal | None = None
    choice: Choice | None = None


def read_event(event: object, received_at: datetime) -> Told:
    """One event as it came, in an array or on a line.

    Raises:
        ValueError: what is missing or wrong; the message holds nothing of the event.
    """
    if not isinstance(event, dict):
        raise ValueError("no JSON object")
    for name, most in (("sg_event_id", _EVENT_ID), ("event", _EVENT)):
        value = event.get(name)
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} is missing")
        if len(value) > most or not value.isprintable():
            raise ValueError(f"{name} is no name of SendGrid's")
    moment = event.get("timestamp")
    if not isinstance(moment, int) or isinstance(moment, bool) or not 0 < moment < 2**33:
        raise ValueError("timestamp is no second")
    try:
        address = parse_address(event["email"]) if isinstance(event.get("email"), str) else None
    except InvalidAddressError:
        address = None
    row: dict[str, Any] = {
        "event_id": event["sg_event_id"],
        "event": event["event"],
        "message_id": event.get("sg_message_id"),
        "bounce_type": event.get("type"),
        # What the mails carry, and what those of an older version did.
        "campaign": _named(event, ("cid", "campaign"), _CAMPAIGN),
        "occurrence": _named(event, ("occ", "occurrence"), _OCCURRENCE),
        **{name: event.get(name) for name in ("person_id", "url", "reason")},
    }
    row = {name: _safe(name, value) if isinstance(value, str) else None for name, value in row.items()}
    key = event.get("dk")
    row["dedupe_key"] = key if isinstance(key, str) and _KEY.fullmatch(key) else None
    row["is_machine"] = _is_machine(event)
    row["address_key"] = address.key if address else None
    row["event_at"] = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)
    row["received_at"] = received_at.astimezone(UTC).replace(tzinfo=None)
    kept = {name: _safe(name, value) for name, value in event.items() if name not in _PERSONAL}
    row["payload"] = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
    choice = _choice(event)
    return Told(row, address.normal if address else None, _refusal(event, choice), choice)


def _named(event: dict[str, Any], names: tuple[str, ...], most: int) -> str | None:
    found = next((event[name] for name in names if isinstance(event.get(name), str)), None)
    return found if found is not None and len(found) <= most and found.isprintable() else None


def _is_machine(event: dict[str, Any]) -> bool:
    """Whether the event itself says that no person opened or clicked; what several together say, dbt finds."""
    if event["event"] not in ("open", "click"):
        return False
    agent = event.get("useragent")
    return event.get("sg_machine_open") is True or (isinstance(agent, str) and _is_scanner(agent))


def _is_scanner(agent: str) -> bool:
    # A browser always names itself.
    return not agent.strip() or _MACHINE.search(agent.replace("Cubot", "")) is not None


def _safe(name: str, value: Any) -> Any:
    """A value without addresses and tokens, whatever it is nested in; ids stay as they are."""
    if isinstance(value, dict):
        return {key: _safe(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_safe(name, inner) for inner in value]
    if not isinstance(value, str) or name in (*_IDS, "event_id", "message_id"):
        return value
    return _TOKEN.sub(rf"\g<1>{MASK}", masked_text(value))


def _choice(event: dict[str, Any]) -> Choice | None:
    kinds: dict[str, Literal[True, False]] = {"group_unsubscribe": True, "group_resubscribe": False}
    if event["event"] not in kinds:
        return None
    group = str(event.get("asm_group_id", ""))
    return Choice(group if _GROUP.fullmatch(group) else "0", kinds[event["event"]])


def _refusal(event: dict[str, Any], choice: Choice | None) -> Refusal | None:
    if choice is not None:
        return None
    if event["event"] == "dropped":
        why = str(event.get("reason") or "").lower()
        reason = next((reason for words, reason in _DROPPED.items() if words in why), None)
    else:
        reason = None if event.get("type") == "blocked" else _SUPPRESSING.get(event["event"])
    return Refusal(reason) if reason else None
