"""Delivery: hand every planned mail over at most once, and be able to prove it.

`send` works until everybody in the ledger has an end state; killed anywhere and run again it goes
on and mails nobody twice. A mail is marked `in_flight` on disk before it is handed over, so after a
crash the only ones in doubt are marked, and become `ambiguous` instead of being repeated.
`settle_doubts` ends what is in doubt by the provider's word, or after a day.
`start` lets the command do so beside a page. `report` counts and certifies, `recipients_in` names
people, `outcomes` tells what the provider told and `people_told` of whom; what it all earned is the
room `experiments`. Light imports: no Dagster, no Streamlit, no data frames.
"""

from pipelines.delivery.background import at_work, start
from pipelines.delivery.doubt import settle_doubts
from pipelines.delivery.report import recipients_in, report
from pipelines.delivery.sender import send
from pipelines.delivery.sending import SendReport
from pipelines.delivery.told import outcomes, people_told

__all__ = [
    "SendReport",
    "at_work",
    "outcomes",
    "people_told",
    "recipients_in",
    "report",
    "send",
    "settle_doubts",
    "start",
]
