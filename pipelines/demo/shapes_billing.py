"""Customers, subscriptions and invoices in the shape of API version 2026-10-28.endive.

Each function builds one object with every field that Stripe would answer, unexpanded. What happens to
the object afterwards is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.demo.people import Person

Json = dict[str, Any]

NO_TAX_AUTOMATION = {"disabled_reason": None, "enabled": False, "liability": None}
# A draft before anything is known of it. Nested values are shared and therefore never changed in place.
BLANK_INVOICE: Json = {
    "id": "", "object": "invoice", "account_country": "US", "account_name": "Northwind Digital",
    "account_tax_ids": None, "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0, "amount_remaining": 0,
    "amount_shipping": 0, "application": None, "attempt_count": 0, "attempted": False, "auto_advance": True,
    "automatic_tax": NO_TAX_AUTOMATION | {"provider": None, "status": None}, "automatically_finalizes_at": None,
    "collection_method": "charge_automatically", "custom_fields": None, "customer_account": None,
    "customer_phone": None, "customer_shipping": None, "customer_tax_exempt": "none", "customer_tax_ids": [],
    "default_payment_method": None, "default_source": None, "default_tax_rates": [], "description": None,
    "discounts": [], "due_date": None, "effective_at": None, "ending_balance": None, "footer": None,
    "from_invoice": None, "hosted_invoice_url": None, "invoice_pdf": None, "issuer": {"type": "self"},
    "last_finalization_error": None, "latest_revision": None, "livemode": False, "metadata": {},
    "next_payment_attempt": None, "number": None, "on_behalf_of": None,
    "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
    "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0, "receipt_number": None,
    "rendering": None, "shipping_cost": None, "shipping_details": None, "starting_balance": 0,
    "statement_descriptor": None, "status": "draft",
    "status_transitions": {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None,
                           "voided_at": None},
    "test_clock": None, "total_discount_amounts": [], "total_pretax_credit_amounts": [],
}  # fmt: skip


def address(country: str | None) -> Json:
    """A postal address of which only the country is known."""
    return {
        "city": None,
        "country": country,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    }


def customer(identity: str, person: Person, created: int) -> Json:
    """A customer; `metadata.user_id` is the id that events carry."""
    return {
        "id": identity, "object": "customer", "address": address(person.country.code), "balance": 0,
        "created": created, "currency": None, "customer_account": None, "default_source": None,
        "delinquent": False, "description": None, "discount": None, "email": person.email,
        "invoice_prefix": identity[-8:].upper(),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None,
                             "rendering_options": None},
        "livemode": False, "metadata": {"user_id": person.user_id},
        "name": f"{person.first_name} {person.last_name}", "next_invoice_sequence": 1, "phone": None,
        "preferred_locales": [], "shipping": None, "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip


def plan_mirror(price: Json) -> Json:
    """The legacy plan that Stripe still shows beside an item's price."""
    recurring = price["recurring"]
    return {
        "id": price["id"], "object": "plan", "active": price["active"], "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"], "billing_scheme": price["billing_scheme"],
        "created": price["created"], "currency": price["currency"], "interval": recurring["interval"],
        "interval_count": recurring["interval_count"], "livemode": False, "metadata": {}, "meter": None,
        "nickname": price["nickname"], "product": price["product"], "tiers_mode": price["tiers_mode"],
        "transform_usage": None, "trial_period_days": None, "usage_type": recurring["usage_type"],
    }  # fmt: skip


def item(identity: str, subscription: str, price: Json, quantity: int, created: int, period: tuple[int, int]) -> Json:
    """A subscription item with its whole price."""
    return {
        "id": identity, "object": "subscription_item", "billing_thresholds": None, "created": created,
        "current_period_end": period[1], "current_period_start": period[0], "discounts": [], "metadata": {},
        "plan": plan_mirror(price), "price": dict(price), "quantity": quantity, "subscription": subscription,
        "tax_rates": [],
    }  # fmt: skip


def items(subscription: str, data: list[Json]) -> Json:
    """The list object of a subscription's items."""
    url = f"/v1/subscription_items?subscription={subscription}"
    return {"object": "list", "data": data, "has_more": False, "url": url}


def subscription(identity: str, customer_id: str, created: int, currency: str, **fields: Any) -> Json:
    """A subscription; `fields` set status, items, trial, billing mode and latest invoice."""
    return {
        "id": identity, "object": "subscription", "application": None, "application_fee_percent": None,
        "automatic_tax": NO_TAX_AUTOMATION, "billing_cycle_anchor": created, "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": None, "type": "classic"}, "billing_schedules": [], "billing_thresholds": None,
        "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically", "created": created, "currency": currency,
        "customer": customer_id, "customer_account": None, "days_until_due": None, "default_payment_method": None,
        "default_source": None, "default_tax_rates": [], "description": None, "discounts": [], "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "custom_fields": None, "description": None, "footer": None,
                             "issuer": {"type": "self"}},
        "items": items(identity, []), "latest_invoice": None, "livemode": False,
        "managed_payments": {"enabled": False}, "metadata": {}, "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None, "pause_collection": None,
        "payment_settings": {"payment_method_options": None, "payment_method_types": None,
                             "save_default_payment_method": "off"},
        "pending_invoice_item_interval": None, "pending_setup_intent": None, "pending_update": None,
        "schedule": None, "start_date": created, "status": "incomplete", "test_clock": None, "transfer_data": None,
        "trial_end": None, "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
        "trial_start": None,
    } | fields  # fmt: skip


def invoice(
    identity: str,
    person: Person,
    customer_id: str,
    created: int,
    reason: str,
    lines: Sequence[Json],
    parent: Json | None,
) -> Json:
    """A draft invoice over `lines`, whose sums it carries; only the first ten lines lie inside."""
    subtotal, taxes = sum(line["subtotal"] for line in lines), _total_taxes(lines)
    discounts = _total_discounts(lines)
    untaxed = subtotal - sum(discount["amount"] for discount in discounts)
    total = untaxed + sum(tax["amount"] for tax in taxes)
    return BLANK_INVOICE | {
        "id": identity, "amount_due": total, "amount_remaining": total, "billing_reason": reason,
        "created": created, "currency": lines[0]["currency"], "customer": customer_id,
        "customer_address": address(person.country.code), "customer_email": person.email,
        "customer_name": f"{person.first_name} {person.last_name}",
        "discounts": [discount["discount"] for discount in discounts], "lines": line_list(identity, lines),
        "parent": parent, "period_end": created, "period_start": created, "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal, "total": total, "total_discount_amounts": discounts,
        "total_excluding_tax": untaxed, "total_taxes": taxes, "webhooks_delivered_at": created,
    }  # fmt: skip


def line_list(invoice_id: str, lines: Sequence[Json]) -> Json:
    """The list object inside an invoice: Stripe puts the first ten lines there and no more."""
    url = f"/v1/invoices/{invoice_id}/lines"
    return {"object": "list", "data": list(lines[:10]), "has_more": len(lines) > 10, "url": url}


def _total_discounts(lines: Sequence[Json]) -> list[Json]:
    summed: dict[str, int] = {}
    for line in lines:
        for taken in line["discount_amounts"]:
            summed[taken["discount"]] = summed.get(taken["discount"], 0) + taken["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in summed.items()]


def _total_taxes(lines: Sequence[Json]) -> list[Json]:
    summed: dict[str, Json] = {}
    for line in lines:
        for tax in line["taxes"]:
            rate = tax["tax_rate_details"]["tax_rate"]
            if rate in summed:
                summed[rate]["amount"] += tax["amount"]
                summed[rate]["taxable_amount"] += tax["taxable_amount"]
            else:
                summed[rate] = dict(tax)
    return list(summed.values())
