"""Stripe's error answers, as exceptions that know their status and body."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refusal(Exception):  # noqa: N818 (an answer, not a fault of ours)
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"type": kind, "message": message, **more}}
        self.headers: dict[str, str] = {}


def missing(singular: str, identity: str, *, param: str = "id", status: int = 404) -> Refusal:
    """No object of that kind has this id."""
    return Refusal(status, f"No such {singular}: '{identity}'", code="resource_missing", param=param)


def invalid(message: str, param: str, **more: str) -> Refusal:
    """A parameter that can not be."""
    return Refusal(400, message, param=param, **more)


def forbidden(path: str, what: str = "read") -> Refusal:
    """The key may not read (or write) this kind of object."""
    kind = path.strip("/").split("/")[1]
    message = (
        "The provided key 'rk_test_********' does not have the required permissions for this endpoint on account "
        f"'acct_1Demo'. Having the 'rak_{kind.removesuffix('s')}_{what}' permission would allow this request to "
        "continue."
    )
    return Refusal(403, message)


def not_connected(account: str) -> Refusal:
    """The key may not ask for this account."""
    message = f"The provided key does not have access to account '{account}' (or that account does not exist)."
    return Refusal(403, message, code="account_invalid")


def rate_limited() -> Refusal:
    """Too many requests."""
    message = "Request rate limit exceeded. Learn more about rate limits at https://stripe.com/docs/rate-limits."
    refusal = Refusal(429, message, code="rate_limit")
    refusal.headers["Stripe-Rate-Limited-Reason"] = "endpoint-rate"
    return refusal


def out_of_order(status: int = 500) -> Refusal:
    """Something broke on Stripe's side."""
    return Refusal(status, "An unknown error occurred. Please try again.", kind="api_error")
