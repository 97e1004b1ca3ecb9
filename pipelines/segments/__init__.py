"""Segments: people chosen by a rule. The rule is a document; who fits it is asked of a snapshot.

`parse_segment` reads a document, `save`, `load` and `listing` keep it in the state store;
`members`, `member_rows`, `preview`, `estimate` and `overlap` answer for one snapshot, `reach` says how many may be
mailed, `sentence` puts a rule into words; `materialise` writes down who came and who went, `history` and `stays` tell
it. A rule becomes SQL whose values are bound and whose names come from the snapshot. `gallery` has some to begin with.
"""

from pipelines.segments.ask import ONE_IN, best_first, estimate, member_rows, members, overlap, people_count, preview
from pipelines.segments.comparison import OPS
from pipelines.segments.document import NAME, Condition, SegmentDocument, Strict, parse_segment
from pipelines.segments.export import export_members
from pipelines.segments.fields import Field, known_traits, money, snapshot_fields, trait_kinds
from pipelines.segments.gallery import gallery
from pipelines.segments.listed import known_people, listed_segment
from pipelines.segments.materialise import Change, materialise
from pipelines.segments.reach import NEEDED, Addressed, addressed, best_ones_first, reach
from pipelines.segments.sentence import COMPARED, TIMES, phrase, sentence
from pipelines.segments.stays import history, stays
from pipelines.segments.store import entries, listing, load, lookup_of, save
from pipelines.segments.times import span_length, span_text
from pipelines.segments.told import (
    check_several,
    told_fields,
    told_members,
    told_overlap,
    told_preview,
)

__all__ = [
    "COMPARED",
    "NAME",
    "NEEDED",
    "ONE_IN",
    "OPS",
    "TIMES",
    "Addressed",
    "Change",
    "Condition",
    "Field",
    "SegmentDocument",
    "Strict",
    "addressed",
    "best_first",
    "best_ones_first",
    "check_several",
    "entries",
    "estimate",
    "export_members",
    "gallery",
    "history",
    "known_people",
    "known_traits",
    "listed_segment",
    "listing",
    "load",
    "lookup_of",
    "materialise",
    "member_rows",
    "members",
    "money",
    "overlap",
    "parse_segment",
    "people_count",
    "phrase",
    "preview",
    "reach",
    "save",
    "sentence",
    "snapshot_fields",
    "span_length",
    "span_text",
    "stays",
    "told_fields",
    "told_members",
    "told_overlap",
    "told_preview",
    "trait_kinds",
]
