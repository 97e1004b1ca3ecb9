"""Stripe: every object we know, as Stripe wrote it, from the API or from files.

`sync` asks the API (through the SDK), lands each answer and loads it; `ingest_files` lands dumps;
`load_landed` turns what lies in the landing zone into `raw_stripe`: every version in
`object_versions`, the newest of each object in a table per kind. `reconcile` counts again at Stripe.
"""

from pipelines.stripe.client import NotAcceptedError, StripeApi
from pipelines.stripe.files import ingest_files
from pipelines.stripe.load import load_landed, prepare_stripe
from pipelines.stripe.permissions import missing_permissions
from pipelines.stripe.reconcile import reconcile
from pipelines.stripe.sync import sync, sync_accounts

__all__ = [
    "NotAcceptedError",
    "StripeApi",
    "ingest_files",
    "load_landed",
    "missing_permissions",
    "prepare_stripe",
    "reconcile",
    "sync",
    "sync_accounts",
]
