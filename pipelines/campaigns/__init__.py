"""Campaigns: a document with its body, its approval, and the audience frozen from a segment.

`parse_campaign` reads a document, `save`, `load`, `show`, `listing` and `approve` keep it;
`preview` tells what it would do, `lint` what is wrong with it, `plan` freezes who gets it; `Templates`
makes the mails, `create_codes` the discount codes in them, and `send_test` shows one to its author.
`schedule` lets it wait for its time, `due` and `following` say what is to be done now. `move`, `resume`,
`cancel` and, at the sender's end, `settled` are the only ways from one state to another. Sending is the
room `delivery`.
"""

from pipelines.campaigns.audience import audience, dedupe_key
from pipelines.campaigns.content import Rendered, RenderError, Templates, carries_link
from pipelines.campaigns.copies import copy, discard
from pipelines.campaigns.document import RECIPIENT, Body, CampaignDocument, Content, Goal, parse_campaign, stored
from pipelines.campaigns.gates import HeldBackError, Hold
from pipelines.campaigns.journeys import following, told_journeys
from pipelines.campaigns.lint import Finding, lint
from pipelines.campaigns.occurrences import LATE, Due, due, due_of, occurrences_of, schedule, settled
from pipelines.campaigns.offers import codes_for, create_codes
from pipelines.campaigns.planner import plan, plan_due
from pipelines.campaigns.preview import preview
from pipelines.campaigns.redeemed import offers_told, offers_words
from pipelines.campaigns.states import EXCLUDED, NEXT, OPEN, cancel, find, frozen, move, resume
from pipelines.campaigns.store import approve, findings, listing, load, save, show
from pipelines.campaigns.testing import send_test
from pipelines.campaigns.timing import ONCE

__all__ = [
    "EXCLUDED",
    "LATE",
    "NEXT",
    "ONCE",
    "OPEN",
    "RECIPIENT",
    "Body",
    "CampaignDocument",
    "Content",
    "Due",
    "Finding",
    "Goal",
    "HeldBackError",
    "Hold",
    "RenderError",
    "Rendered",
    "Templates",
    "approve",
    "audience",
    "cancel",
    "carries_link",
    "codes_for",
    "copy",
    "create_codes",
    "dedupe_key",
    "discard",
    "due",
    "due_of",
    "find",
    "findings",
    "following",
    "frozen",
    "lint",
    "listing",
    "load",
    "move",
    "occurrences_of",
    "offers_told",
    "offers_words",
    "parse_campaign",
    "plan",
    "plan_due",
    "preview",
    "resume",
    "save",
    "schedule",
    "send_test",
    "settled",
    "show",
    "stored",
    "told_journeys",
]
