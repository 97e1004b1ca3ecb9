"""Segments: people chosen by a rule. The rule is a document; who fits it is asked of a snapshot.

`parse_segment` reads a document, `save`, `load` and `listing` keep it in the state store;
`members`, `member_rows` and `preview` answer for one snapshot; `materialise` writes down who came
and who went. A rule becomes SQL whose values are bound and whose names come from the snapshot.
"""

from pipelines.segments.ask import member_rows, members, preview
from pipelines.segments.document import NAME, SegmentDocument, Strict, parse_segment
from pipelines.segments.fields import known_traits, money, snapshot_fields
from pipelines.segments.materialise import Change, materialise
from pipelines.segments.store import listing, load, lookup_of, save
from pipelines.segments.text import load_mapping, problems

__all__ = [
    "NAME",
    "Change",
    "SegmentDocument",
    "Strict",
    "known_traits",
    "listing",
    "load",
    "load_mapping",
    "lookup_of",
    "materialise",
    "member_rows",
    "members",
    "money",
    "parse_segment",
    "preview",
    "problems",
    "save",
    "snapshot_fields",
]
