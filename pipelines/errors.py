"""The two ways a call can fail, told in words a user can act on.

MillstreamError
├── UsageError      the call itself is wrong: exit code 2
└── everything else it failed: exit code 1

A message says what happened, what was left unchanged and what to do; it never holds a key or
personal data. Programming mistakes are not wrapped here: they rise as they are.
"""

from __future__ import annotations


class MillstreamError(Exception):
    """Something that can go wrong did; the message is for the user (exit code 1)."""

    exit_code = 1


class UsageError(MillstreamError):
    """The call, the document or the name is wrong (exit code 2)."""

    exit_code = 2


class NotPublishedError(MillstreamError):
    """What is asked for has not been published yet; the message names what publishes it."""


class BusyError(MillstreamError):
    """Another process holds the warehouse or is sending; a scheduled run may wait and try again."""
