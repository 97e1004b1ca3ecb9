"""Credit notes over paid invoices, in the shape of API version 2026-10-28.endive."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Json = dict[str, Any]


def credit_note(identity: str, invoice: Json, refund: Json, at: int) -> Json:
    """A note over what `refund` gives back of the invoice; tax goes back in proportion."""
    amount = refund["amount"]
    taxes = _taxes(invoice, amount)
    untaxed = amount - sum(tax["amount"] for tax in taxes)
    first = invoice["lines"]["data"][0]
    line = {
        "id": identity.replace("cn_", "cnli_"), "object": "credit_note_line_item", "amount": untaxed,
        "description": first["description"], "discount_amount": 0, "discount_amounts": [], "invoice_line_item": None,
        "livemode": False, "metadata": {}, "pretax_credit_amounts": [], "quantity": 1, "tax_rates": [],
        "taxes": taxes, "type": "custom_line_item", "unit_amount": untaxed, "unit_amount_decimal": str(untaxed),
    }  # fmt: skip
    url = f"/v1/credit_notes/{identity}/lines"
    refunds = [{"amount_refunded": amount, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}]
    return {
        "id": identity, "object": "credit_note", "amount": amount, "amount_shipping": 0, "created": at,
        "currency": invoice["currency"], "customer": invoice["customer"], "customer_account": None,
        "customer_balance_transaction": None, "discount_amount": 0, "discount_amounts": [], "effective_at": at,
        "invoice": invoice["id"], "lines": {"object": "list", "data": [line], "has_more": False, "url": url},
        "livemode": False, "memo": None, "metadata": {}, "number": f"{invoice['number']}-CN-01",
        "out_of_band_amount": None, "pdf": f"https://pay.stripe.com/credit_notes/{identity}/pdf",
        "post_payment_amount": amount, "pre_payment_amount": 0, "pretax_credit_amounts": [],
        "reason": "duplicate" if refund["reason"] == "duplicate" else "product_unsatisfactory", "refunds": refunds,
        "shipping_cost": None, "status": "issued", "subtotal": untaxed, "subtotal_excluding_tax": untaxed,
        "total": amount, "total_excluding_tax": untaxed, "total_taxes": taxes, "type": "post_payment",
        "voided_at": None,
    }  # fmt: skip


def _taxes(invoice: Json, amount: int) -> list[Json]:
    """The invoice's taxes in the proportion that is given back."""
    parts = []
    for tax in invoice["total_taxes"]:
        due, base = (
            int((Decimal(tax[name]) * amount / invoice["total"]).to_integral_value(ROUND_HALF_UP))
            for name in ("amount", "taxable_amount")
        )
        parts.append(tax | {"amount": due, "taxable_amount": base})
    return parts
