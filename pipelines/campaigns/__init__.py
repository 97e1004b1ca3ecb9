"""Campaigns: a document with its body, its approval, and the audience frozen from a segment.

`parse_campaign` reads a document, `save`, `load`, `show`, `listing` and `approve` keep it;
`preview` tells what it would do, `lint` what is wrong with it, `plan` freezes who gets it; `Templates`
makes the mails, `create_codes` the discount codes in them, and `send_test` shows one to its author. `move`,
`resume` and `cancel` are the only ways from one state to another. Sending is the room `delivery`.
"""

from pipelines.campaigns.audience import ONCE, dedupe_key, plan
from pipelines.campaigns.content import Rendered, RenderError, Templates, carries_link
from pipelines.campaigns.copies import copy, discard
from pipelines.campaigns.document import Body, CampaignDocument, Content, parse_campaign, stored
from pipelines.campaigns.lint import Finding, lint
from pipelines.campaigns.offers import codes_for, create_codes
from pipelines.campaigns.preview import preview
from pipelines.campaigns.redeemed import offers_told
from pipelines.campaigns.states import EXCLUDED, NEXT, OPEN, after_sending, cancel, find, frozen, move, resume
from pipelines.campaigns.store import approve, findings, listing, load, save, show
from pipelines.campaigns.testing import send_test

__all__ = [
    "EXCLUDED",
    "NEXT",
    "ONCE",
    "OPEN",
    "Body",
    "CampaignDocument",
    "Content",
    "Finding",
    "RenderError",
    "Rendered",
    "Templates",
    "after_sending",
    "approve",
    "cancel",
    "carries_link",
    "codes_for",
    "copy",
    "create_codes",
    "dedupe_key",
    "discard",
    "find",
    "findings",
    "frozen",
    "lint",
    "listing",
    "load",
    "move",
    "offers_told",
    "parse_campaign",
    "plan",
    "preview",
    "resume",
    "save",
    "send_test",
    "show",
    "stored",
]
