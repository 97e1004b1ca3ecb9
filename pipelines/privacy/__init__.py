"""Who may be mailed, and why somebody may not: addresses, consent, suppression.

An address is known here by its key, a hash; a refusal, which outlives the person's erasure, by that key hidden
by the installation's secret. `reasons` answers for many people at once and `may_mail` for one; nothing else
decides about mail. `unsubscribe_token` and `confirm_token` make the links that mails carry, `unsubscribe` and
`confirm` do what they ask. Exporting and erasing a person come later.
"""

from pipelines.privacy.address import (
    Address,
    InvalidAddressError,
    address_key,
    mask,
    normalise,
    parse_address,
)
from pipelines.privacy.choices import choose_group, confirm, purpose_of, unsubscribe
from pipelines.privacy.consent import MARKETING, ConsentRow, import_consents, withdraw
from pipelines.privacy.files import read_consent_file, read_suppression_file
from pipelines.privacy.imports import SuppressionRow, confirm_links, import_suppressions
from pipelines.privacy.links import (
    Confirmation,
    Unsubscription,
    confirm_token,
    read_confirm_token,
    read_token,
    unsubscribe_token,
)
from pipelines.privacy.rights import Candidate, Policy, Reason, may_mail, reasons
from pipelines.privacy.suppression import lift, suppress
from pipelines.state import secret_key

__all__ = [
    "MARKETING",
    "Address",
    "Candidate",
    "Confirmation",
    "ConsentRow",
    "InvalidAddressError",
    "Policy",
    "Reason",
    "SuppressionRow",
    "Unsubscription",
    "address_key",
    "choose_group",
    "confirm",
    "confirm_links",
    "confirm_token",
    "import_consents",
    "import_suppressions",
    "lift",
    "mask",
    "may_mail",
    "normalise",
    "parse_address",
    "purpose_of",
    "read_confirm_token",
    "read_consent_file",
    "read_suppression_file",
    "read_token",
    "reasons",
    "secret_key",
    "suppress",
    "unsubscribe",
    "unsubscribe_token",
    "withdraw",
]
