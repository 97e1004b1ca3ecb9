"""Payments in the shape of API version 2026-10-28.endive: intents, charges, refunds, balance entries."""

from __future__ import annotations

from typing import Any

from pipelines.demo.shapes_billing import address

Json = dict[str, Any]


def invoice_payment(identity: str, invoice: Json, intent: str, at: int) -> Json:
    """The open payment that ties an invoice to its payment intent."""
    return {
        "id": identity, "object": "invoice_payment", "amount_paid": None, "amount_requested": invoice["amount_due"],
        "created": at, "currency": invoice["currency"], "invoice": invoice["id"], "is_default": True,
        "livemode": False, "payment": {"payment_intent": intent, "type": "payment_intent"}, "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }  # fmt: skip


def payment_intent(identity: str, amount: int, currency: str, customer: str | None, at: int) -> Json:
    """An intent that still waits for its payment."""
    return {
        "id": identity, "object": "payment_intent", "amount": amount, "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 0, "application": None, "application_fee_amount": None,
        "automatic_payment_methods": None, "canceled_at": None, "cancellation_reason": None,
        "capture_method": "automatic", "client_secret": f"{identity}_secret_demo",
        "confirmation_method": "automatic", "created": at, "currency": currency, "customer": customer,
        "customer_account": None, "description": None, "excluded_payment_method_types": None,
        "last_payment_error": None, "latest_charge": None, "livemode": False,
        "managed_payments": {"enabled": False}, "metadata": {}, "next_action": None, "on_behalf_of": None,
        "payment_method": None, "payment_method_configuration_details": None, "payment_method_options": {},
        "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None,
        "setup_future_usage": None, "shipping": None, "source": None, "statement_descriptor": None,
        "statement_descriptor_suffix": None, "status": "requires_payment_method", "transfer_data": None,
        "transfer_group": None,
    }  # fmt: skip


def card(country: str, last4: str) -> Json:
    """What a charge tells of the card."""
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    return {"card": {"brand": "visa", "checks": checks, "country": country, "exp_month": 8, "exp_year": 2031,
                     "funding": "credit", "last4": last4, "network": "visa"}, "type": "card"}  # fmt: skip


def charge(identity: str, intent: Json, at: int, payer: Json, method: Json) -> Json:
    """A charge that went through; `declined` says what differs when it did not.

    `payer` has `email`, `name` and `country`.
    """
    details = {"address": address(payer["country"]), "email": payer["email"], "name": payer["name"], "phone": None,
               "tax_id": None}  # fmt: skip
    return {
        "id": identity, "object": "charge", "amount": intent["amount"], "amount_captured": intent["amount"],
        "amount_refunded": 0, "application": None, "application_fee": None, "application_fee_amount": None,
        "balance_transaction": None, "billing_details": details, "calculated_statement_descriptor": "NORTHWIND",
        "captured": True, "created": at, "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False, "failure_balance_transaction": None,
        "failure_code": None, "failure_message": None, "fraud_details": {}, "livemode": False,
        "metadata": intent["metadata"], "on_behalf_of": None,
        "outcome": {"advice_code": None, "network_advice_code": None, "network_decline_code": None,
                    "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
                    "seller_message": "Payment complete.", "type": "authorized"},
        "paid": True, "payment_intent": intent["id"], "payment_method": intent["payment_method"],
        "payment_method_details": method, "receipt_email": None, "receipt_number": None, "receipt_url": None,
        "refunded": False, "review": None, "shipping": None, "source": None, "source_transfer": None,
        "statement_descriptor": None, "statement_descriptor_suffix": None, "status": "succeeded",
        "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


def declined(code: str) -> Json:
    """The fields of a charge that a bank refused with this decline code."""
    failure = "expired_card" if code == "expired_card" else "card_declined"
    return {
        "amount_captured": 0, "captured": False, "failure_code": failure,
        "failure_message": "Your card was declined.", "paid": False, "status": "failed",
        "outcome": {"advice_code": "try_again_later", "network_advice_code": None, "network_decline_code": "51",
                    "network_status": "declined_by_network", "reason": code, "risk_level": "normal",
                    "seller_message": "The bank did not approve the payment.", "type": "issuer_declined"},
    }  # fmt: skip


def refund(identity: str, charge: Json, amount: int, at: int, reason: str, entry: str) -> Json:
    """A refund that succeeded, with its balance transaction's id."""
    return {
        "id": identity, "object": "refund", "amount": amount, "balance_transaction": entry, "charge": charge["id"],
        "created": at, "currency": charge["currency"], "customer": charge["customer"], "customer_account": None,
        "destination_details": {"card": {"reference": None, "reference_status": "pending",
                                         "reference_type": "acquirer_reference_number", "type": "refund"},
                                "type": "card"},
        "metadata": {}, "payment_intent": charge["payment_intent"], "payment_method": charge["payment_method"],
        "reason": reason, "receipt_number": None, "source_transfer_reversal": None, "status": "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip


def balance_transaction(identity: str, kind: str, source: str, at: int, **money: Any) -> Json:
    """A line of the balance; `money` has amount, fee, currency (of settlement), exchange_rate and the rest."""
    fee, currency = money["fee"], money["currency"]
    details = [{"amount": fee, "application": None, "currency": currency, "description": "Stripe processing fees",
                "type": "stripe_fee"}] if fee else []  # fmt: skip
    return {
        "id": identity, "object": "balance_transaction", "amount": money["amount"],
        "available_on": money["available_on"], "balance_type": "payments", "created": at, "currency": currency,
        "description": money["description"], "exchange_rate": money["exchange_rate"], "fee": fee,
        "fee_details": details, "net": money["amount"] - fee, "reporting_category": kind, "source": source,
        "status": money["status"], "type": kind,
    }  # fmt: skip


def dispute(identity: str, charge: Json, at: int, reason: str, network_code: str, entries: list[Json]) -> Json:
    """A dispute of the whole charge that waits for an answer."""
    card = {"brand": "visa", "case_type": "chargeback", "network_reason_code": network_code}
    return {
        "id": identity, "object": "dispute", "amount": charge["amount"], "balance_transactions": entries,
        "charge": charge["id"], "created": at, "currency": charge["currency"], "enhanced_eligibility_types": [],
        "evidence": {"customer_email_address": charge["billing_details"]["email"],
                     "customer_name": charge["billing_details"]["name"], "uncategorized_text": None},
        "evidence_details": {"due_by": at - at % 86_400 + 10 * 86_400 - 1, "enhanced_eligibility": {},
                             "has_evidence": False, "past_due": False, "submission_count": 0,
                             "submission_method": "not_submitted"},
        "is_charge_refundable": False, "livemode": False, "metadata": {}, "network_reason_code": network_code,
        "payment_intent": charge["payment_intent"], "payment_method_details": {"card": card, "type": "card"},
        "reason": reason, "status": "needs_response",
    }  # fmt: skip


def payout(identity: str, amount: int, currency: str, at: int, arrives: int, entry: str) -> Json:
    """An automatic payout on its way to the bank account of its currency."""
    return {
        "id": identity, "object": "payout", "amount": amount, "application_fee": None, "application_fee_amount": None,
        "arrival_date": arrives, "automatic": True, "balance_transaction": entry, "created": at, "currency": currency,
        "description": "STRIPE PAYOUT", "destination": f"ba_1NorthwindDigital0000{currency}",
        "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "livemode": False, "metadata": {}, "method": "standard",
        "original_payout": None, "payout_method": None,
        "reconciliation_status": "in_progress", "reversed_by": None,
        "source_type": "card", "statement_descriptor": None, "status": "in_transit", "trace_id": None,
        "type": "bank_account",
    }  # fmt: skip


def checkout_session(identity: str, at: int, currency: str, amounts: tuple[int, int], **who: Any) -> Json:
    """An open session over one download; `amounts` are the price before and after tax.

    `who` sets customer, client_reference_id and customer_details.
    """
    before, total = amounts
    return {
        "id": identity, "object": "checkout.session", "adaptive_pricing": {"enabled": False}, "after_expiration": None,
        "allow_promotion_codes": False, "amount_subtotal": before, "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": "auto", "cancel_url": "https://northwind.example.com/pricing",
        "client_reference_id": None, "client_secret": None, "collected_information": None, "consent": None,
        "consent_collection": None, "created": at, "currency": currency, "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None,
                        "terms_of_service_acceptance": None},
        "customer": None, "customer_account": None, "customer_creation": "if_required", "customer_details": None,
        "customer_email": None, "discounts": [], "expires_at": at + 86_400, "invoice": None,
        "integration_identifier": None, "invoice_creation": {"enabled": False, "invoice_data": {"metadata": {}}},
        "livemode": False, "locale": None, "managed_payments": {"enabled": False}, "metadata": {},
        "mode": "payment", "origin_context": None, "payment_intent": None, "payment_link": None,
        "payment_method_collection": "if_required", "payment_method_configuration_details": None,
        "payment_method_options": {}, "payment_method_types": ["card"], "payment_status": "unpaid",
        "permissions": None, "phone_number_collection": {"enabled": False}, "recovered_from": None,
        "saved_payment_method_options": None, "setup_intent": None, "shipping_address_collection": None,
        "shipping_cost": None, "shipping_options": [], "status": "open", "submit_type": None, "subscription": None,
        "success_url": "https://northwind.example.com/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": total - before},
        "ui_mode": "hosted_page", "url": None, "wallet_options": None,
    } | who  # fmt: skip
