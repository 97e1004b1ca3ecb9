"""What is wrong with a link in a mail: a mail has no page of its own, so every address is a whole one."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from pipelines.privacy import InvalidAddressError, parse_address

SHORTENERS = frozenset(
    [
        "bit.ly",
        "buff.ly",
        "cutt.ly",
        "goo.gl",
        "is.gd",
        "lnkd.in",
        "ow.ly",
        "rb.gy",
        "rebrand.ly",
        "s.id",
        "shorturl.at",
        "t.co",
        "t.ly",
        "tiny.cc",
        "tinyurl.com",
    ]
)
"""Hosts that hide where a link leads; mail filters distrust them."""
UNSAFE = frozenset({"javascript", "vbscript", "file", "blob", "about"})
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?")
_PHONE = re.compile(r"\+?[\d().\s-]+")
# Browsers leave these out before they look at the scheme.
_LEFT_OUT = re.compile(r"[\x00-\x20]+")


def scheme_of(address: str) -> str:
    """The scheme as a browser would read it; empty where there is none."""
    name, colon, _ = _LEFT_OUT.sub("", address).partition(":")
    return name.lower() if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", name) else ""


def is_unsafe(address: str) -> bool:
    """Whether it runs something, or reaches into the reader's machine."""
    scheme = scheme_of(address)
    return scheme in UNSAFE or (scheme == "data" and not _LEFT_OUT.sub("", address).lower().startswith("data:image/"))


def problem_of(address: str, *, is_picture: bool = False) -> str | None:
    """Why this address can not be followed; None where it can."""
    scheme = scheme_of(address)
    if not address or address == "#":
        return "leads nowhere"
    if is_picture and scheme in ("data", "cid"):
        return None
    if not is_picture and address.startswith("#"):
        return None
    match scheme:
        case "http" | "https":
            return _problem_of_host(address)
        case "mailto":
            return _problem_of_mailto(address)
        case "tel" | "sms":
            return None if _PHONE.fullmatch(unquote(address.partition(":")[2].partition("?")[0])) else "is no number"
        case "":
            return "is relative; write it with https:// and the host"
    return f"begins with {scheme}:, which mail programs do not follow"


def host_of(address: str) -> str:
    """The host of a link, lower case; empty where there is none."""
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _problem_of_host(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return "has a host that can not be"
    if re.search(r"\s", address):
        return "holds a space"
    if not address.partition(":")[2].startswith("//") or not _HOST.fullmatch(parts.hostname or ""):
        return "has no host"
    return None


def _problem_of_mailto(address: str) -> str | None:
    try:
        for one in unquote(address.partition(":")[2].partition("?")[0]).split(","):
            parse_address(one)
    except InvalidAddressError:
        return "names no e-mail address"
    return None
