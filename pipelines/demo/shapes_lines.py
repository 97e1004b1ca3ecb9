"""Invoice lines and invoice items in the shape of API version 2026-10-28.endive."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pipelines.demo.people import Country

Json = dict[str, Any]


def taxes(country: Country, amount: int) -> list[Json]:
    """Sales tax on top of `amount` minor units, rounded half up line by line; none where it is 0 %."""
    if not country.tax_percent:
        return []
    due = int((Decimal(amount) * country.tax_percent / 100).to_integral_value(ROUND_HALF_UP))
    return [{
        "amount": due, "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": f"txr_1Northwind{country.code}{country.tax_percent:02d}0000000000"},
        "taxability_reason": "standard_rated", "taxable_amount": amount, "type": "tax_rate_details",
    }]  # fmt: skip


def pricing(price: Json) -> Json:
    """The pricing part of a line or an invoice item: the price's id, not the price."""
    details = {"price": price["id"], "product": price["product"]}
    return {
        "price_details": details,
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def line(
    identity: str,
    country: Country,
    price: Json,
    quantity: int,
    amount: int,
    period: tuple[int, int],
    text: str,
) -> Json:
    """A line of `amount` minor units before tax; `bind` gives it to an invoice."""
    return {
        "id": identity, "object": "line_item", "amount": amount, "currency": price["currency"], "description": text,
        "discount_amounts": [], "discountable": True, "discounts": [], "invoice": None, "livemode": False,
        "metadata": {}, "parent": None, "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [], "pricing": pricing(price), "quantity": quantity,
        "quantity_decimal": str(quantity), "subscription": None, "subtotal": amount,
        "taxes": taxes(country, amount),
    }  # fmt: skip


def take_off(drawn: Json, country: Country, discount: str, off: int) -> None:
    """Lower the line by a discount of the invoice: its amount stays, and tax is due on the rest."""
    drawn["discount_amounts"] = [{"amount": off, "discount": discount}]
    drawn["taxes"] = taxes(country, drawn["amount"] - off)


def of_item(
    drawn: Json, subscription: str, item: str, invoice_item: Json | None = None, credited: Json | None = None
) -> Json:
    """The line as one of a subscription item; one that has an invoice item is a proration."""
    proration = invoice_item is not None
    details = {
        "invoice_item": invoice_item["id"] if invoice_item else None, "proration": proration,
        "proration_details": {"credited_items": credited} if proration else None,
        "subscription": subscription, "subscription_item": item,
    }  # fmt: skip
    drawn["parent"] = {"invoice_item_details": None, "subscription_item_details": details,
                       "type": "subscription_item_details"}  # fmt: skip
    drawn["subscription"], drawn["discountable"] = subscription, not proration
    return drawn


def of_invoice_item(drawn: Json, invoice_item: Json) -> Json:
    """The line as one that comes from an invoice item alone: a one-off purchase."""
    details = {
        "invoice_item": invoice_item["id"],
        "proration": False,
        "proration_details": None,
        "subscription": None,
    }
    drawn["parent"] = {"invoice_item_details": details, "subscription_item_details": None,
                       "type": "invoice_item_details"}  # fmt: skip
    return drawn


def invoice_item(identity: str, customer: str, drawn: Json, at: int, subscription: str | None) -> Json:
    """The invoice item behind a line; it is pending until an invoice takes it."""
    parent = None
    if subscription is not None:
        details = {"subscription": subscription, "subscription_item": None}
        parent = {"subscription_details": details, "type": "subscription_details"}
    return {
        "id": identity, "object": "invoiceitem", "amount": drawn["amount"], "currency": drawn["currency"],
        "customer": customer, "customer_account": None, "date": at, "description": drawn["description"],
        "discountable": subscription is None, "discounts": [], "invoice": None, "livemode": False, "metadata": {},
        "net_amount": drawn["amount"], "parent": parent, "period": drawn["period"], "pricing": drawn["pricing"],
        "proration": subscription is not None, "quantity": drawn["quantity"],
        "quantity_decimal": drawn["quantity_decimal"], "tax_rates": [], "test_clock": None,
    }  # fmt: skip
