"""The people of one snapshot: find them, look at one, read what happened to them.

`search` pages through `dim_customers`, `people` looks some up, `profile` tells one person's traits,
segments and whether they may be mailed, `timeline` mixes payments, MRR, events, mails and segments.
Addresses come out masked unless the caller may see them; a masked search never tells one either.
"""

from pipelines.people.search import COLUMNS, Found, people, search

__all__ = ["COLUMNS", "Found", "people", "search"]
