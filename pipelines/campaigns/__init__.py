"""Campaigns: a document with its body, its approval, and the audience frozen from a segment.

`parse_campaign` reads a document, `save`, `load`, `show`, `listing` and `approve` keep it;
`preview` tells what it would do, `plan` freezes who gets it; `Templates` makes the mails. `move`,
`resume` and `cancel` are the only ways from one state to another. Sending is the room `delivery`.
"""

from pipelines.campaigns.audience import ONCE, audience, dedupe_key, plan
from pipelines.campaigns.content import Rendered, RenderError, Templates, carries_link
from pipelines.campaigns.document import CampaignDocument, Content, Goal, parse_campaign, stored
from pipelines.campaigns.preview import preview
from pipelines.campaigns.states import EXCLUDED, NEXT, OPEN, cancel, find, frozen, move, resume
from pipelines.campaigns.store import approve, listing, load, save, show

__all__ = [
    "EXCLUDED",
    "NEXT",
    "ONCE",
    "OPEN",
    "CampaignDocument",
    "Content",
    "Goal",
    "RenderError",
    "Rendered",
    "Templates",
    "approve",
    "audience",
    "cancel",
    "carries_link",
    "dedupe_key",
    "find",
    "frozen",
    "listing",
    "load",
    "move",
    "parse_campaign",
    "plan",
    "preview",
    "resume",
    "save",
    "show",
    "stored",
]
