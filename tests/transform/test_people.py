"""Who is one person, and what they paid."""

from __future__ import annotations

from tests.transform.sample_warehouse import Built


def person(built: Built, columns: str, where: str) -> tuple[object, ...]:
    (row,) = built.rows(f"select {columns} from marts.dim_customers where {where}")
    return row


def test_two_customers_and_a_user_with_one_address_are_one_person(built: Built) -> None:
    columns = "user_id, stripe_customer_ids, email, first_name, country, is_guest, has_consent, event_count"
    assert person(built, columns, "person_id = 'u_ann'") == (
        "u_ann", ["cus_ann", "cus_ann_again"], "ann@example.com", "Ann", "US", False, True, 3,
    )  # fmt: skip


def test_the_plan_is_the_item_with_the_highest_mrr(built: Built) -> None:
    columns = "plan, subscription_status, mrr_minor, mrr_currency"
    assert person(built, columns, "person_id = 'u_ann'") == ("Large", "past_due", 10000, "USD")


def test_what_a_person_paid_is_charges_less_refunds_that_did_not_fail(built: Built) -> None:
    columns = "lifetime_value_minor, currency, payments_count, cast(customer_since as varchar)"
    assert person(built, columns, "person_id = 'u_ann'") == (3000, "EUR", 1, "2026-02-01 00:00:00")


def test_first_seen_is_what_the_visitor_did_before_it_was_known(built: Built) -> None:
    assert person(built, "cast(first_seen_at as varchar)", "person_id = 'u_ann'") == ("2026-01-05 12:00:00",)


def test_a_guest_is_a_person_without_a_customer_and_a_withdrawn_consent_is_none(built: Built) -> None:
    columns = "stripe_customer_ids, first_name, country, is_guest, has_consent, subscription_status, mrr_minor"
    assert person(built, columns, "email = 'bob@example.net'") == ([], "Bob", "FR", True, False, None, 0)


def test_a_customer_without_an_address_is_a_person_still(built: Built) -> None:
    assert person(built, "stripe_customer_ids, email", "person_id = 'cus_cleo'") == (["cus_cleo"], None)


def test_consent_finds_an_address_that_is_not_ascii_however_it_is_written(built: Built) -> None:
    columns = "has_consent, cast(consent_granted_at as varchar)"
    assert person(built, columns, "stripe_customer_ids = ['cus_joerg']") == (True, "2026-01-01 00:00:00")


def test_a_user_who_never_paid_is_a_person_and_an_unknown_visitor_is_none(built: Built) -> None:
    assert person(built, "first_name, name, event_count", "person_id = 'u_dan'") == (None, "Dan Roe", 1)
    assert built.rows("select 1 from marts.dim_customers where person_id = 'a3'") == []


def test_a_payment_names_its_invoice_its_person_and_what_reached_the_balance(built: Built) -> None:
    rows = built.rows(
        "select payment_id, kind, invoice_id, person_id, currency, amount_minor,"
        " settlement_currency, fee_minor, net_minor"
        " from marts.fct_payments where account = 'people' and charge_id = 'ch_ann' order by kind"
    )
    assert rows == [
        ("ch_ann", "charge", "in_ann", "u_ann", "EUR", 5000, "USD", 30, 4570),
        ("re_1", "refund", "in_ann", "u_ann", "EUR", -2000, None, None, None),
    ]


def test_a_person_has_the_traits_of_their_sessions(built: Built) -> None:
    columns = "session_count, event_count_30d, acquisition_channel, cast(last_session_at as varchar)"
    assert person(built, columns, "person_id = 'u_ann'") == (3, 0, "direct", "2026-01-20 12:00:00")


def test_a_mail_belongs_to_the_person_whom_its_address_is_now(built: Built) -> None:
    rows = built.rows(
        "select person_id, state, is_held_out, is_delivered, is_opened, is_clicked, is_bounced, open_count"
        " from marts.fct_campaign_recipients order by recipient_id"
    )
    assert [row[1:] for row in rows] == [
        ("accepted", False, True, True, True, False, 0),
        ("holdout", True, False, False, False, False, 0),
        ("accepted", False, False, False, False, True, 0),
    ]
    assert rows[0][0] == "u_ann"
    assert rows[2][0] == "u_dan"
    assert built.rows("select 1 from marts.dim_customers where person_id = ?", rows[1][0]) == [(1,)]


def test_a_person_has_the_traits_of_their_mails(built: Built) -> None:
    columns = "email_delivered_count, email_open_count, cast(last_email_clicked_at as varchar), is_suppressed"
    assert person(built, columns, "person_id = 'u_ann'") == (1, 0, "2026-02-11 18:00:00", False)
    columns = "is_suppressed, suppression_reason, is_unsubscribed, cast(last_email_bounced_at as varchar)"
    assert person(built, columns, "person_id = 'u_dan'") == (True, "bounce", False, "2026-02-10 09:01:00")
    assert person(built, "is_unsubscribed", "email = 'bob@example.net'") == (True,)


def test_an_event_before_sign_up_belongs_to_the_user_it_became(built: Built) -> None:
    rows = built.rows(
        "select person_id, user_id from marts.fct_events where event_id in ('e0', 'e3') order by event_id"
    )
    assert rows == [("u_ann", "u_ann"), ("a3", None)]


def test_a_time_zone_is_the_one_an_event_told_else_that_of_the_country_else_the_reporting_zone(built: Built) -> None:
    assert person(built, "timezone", "person_id = 'u_ann'") == ("Asia/Tokyo",)
    assert person(built, "country, timezone", "email = 'bob@example.net'") == ("FR", "Europe/Paris")
    assert person(built, "country, timezone", "person_id = 'cus_cleo'") == (None, "UTC")
