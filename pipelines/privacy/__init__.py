"""Who may be mailed, and why somebody may not: addresses, consent, suppression.

An address is known here by its key, a hash, so that a refusal outlives the person's erasure.
`reasons` answers for many people at once and `may_mail` for one; nothing else decides about mail.
`unsubscribe_token` and `read_token` make and check the link that every mail carries.
Exporting and erasing a person come later.
"""

from pipelines.privacy.address import (
    Address,
    InvalidAddressError,
    address_key,
    mask,
    normalise,
    parse_address,
)
from pipelines.privacy.consent import ConsentRow, import_consents, withdraw
from pipelines.privacy.files import read_consent_file
from pipelines.privacy.rights import Candidate, Policy, Reason, may_mail, reasons
from pipelines.privacy.suppression import suppress
from pipelines.privacy.unsubscribe import read_token, secret_key, unsubscribe_token

__all__ = [
    "Address",
    "Candidate",
    "ConsentRow",
    "InvalidAddressError",
    "Policy",
    "Reason",
    "address_key",
    "import_consents",
    "mask",
    "may_mail",
    "normalise",
    "parse_address",
    "read_consent_file",
    "read_token",
    "reasons",
    "secret_key",
    "suppress",
    "unsubscribe_token",
    "withdraw",
]
