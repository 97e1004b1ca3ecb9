"""The people of one snapshot: find them, look at one, read what happened to them.

`search` pages through `dim_customers`, `people` looks some up, `profile` tells one person's traits,
segments and whether they may be mailed, `timeline` mixes payments, MRR, events, mails and segments.
Addresses come out masked unless the caller may see them; a masked search never tells one either.
"""

from pipelines.people.profile import Profile, Stay, profile
from pipelines.people.search import COLUMNS, PAGE, SORTS, Found, people, persons_of, search
from pipelines.people.timeline import KINDS, Timeline, timeline
from pipelines.people.told import person_and_story, told_people, told_person

__all__ = [
    "COLUMNS",
    "KINDS",
    "PAGE",
    "SORTS",
    "Found",
    "Profile",
    "Stay",
    "Timeline",
    "people",
    "person_and_story",
    "persons_of",
    "profile",
    "search",
    "timeline",
    "told_people",
    "told_person",
]
