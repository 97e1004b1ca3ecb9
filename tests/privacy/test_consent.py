"""Who may be mailed, and why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.errors import UsageError
from pipelines.privacy import (
    Candidate,
    ConsentRow,
    address_key,
    import_consents,
    may_mail,
    read_consent_file,
    reasons,
    suppress,
    withdraw,
)
from pipelines.state import reading, writing

DAY = timedelta(days=1)
THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def row(email="ann@example.com", at=THEN, line=1):
    return ConsentRow(line, email=email, source="sign-up form", at=at, proof="box ticked")


def why_not(engine, email, *, policy="required", pays=False):
    with reading(engine) as connection:
        return may_mail(connection, email, policy=policy, pays=pays)


def withdraw_at(engine, at, email="ann@example.com"):
    with writing(engine) as connection:
        withdraw(connection, address_key(email), source="link", now=at)


def test_nobody_is_mailed_without_consent(engine):
    assert why_not(engine, "ann@example.com") == "no_consent"
    import_consents(engine, [row()], NOW)
    assert why_not(engine, " Ann@Example.com ") is None


def test_each_refusal_has_its_reason(engine):
    import_consents(engine, [row(), row("bob@example.com")], NOW)
    with writing(engine) as connection:
        suppress(connection, address_key("bob@example.com"), reason="bounce", source="test", now=NOW)
        people = [None, " ", "nonsense", "bob@example.com", "carl@example.com", "ann@example.com"]
        found = list(reasons(connection, map(Candidate, people), "required"))
    assert found == ["no_address", "no_address", "invalid_address", "suppressed", "no_consent", None]


def test_importing_a_file_twice_changes_nothing(engine):
    rows = [row(), row("bob@example.com"), row(line=3)]
    first = import_consents(engine, rows, NOW)
    assert (first.read, first.granted, first.unchanged) == (3, 2, 1)
    again = import_consents(engine, rows, NOW + DAY)
    assert (again.granted, again.unchanged) == (0, 3)


def test_a_withdrawal_outlives_consents_given_before_it(engine):
    import_consents(engine, [row()], NOW)
    withdraw_at(engine, THEN + 10 * DAY)
    import_consents(engine, [row(at=THEN + 5 * DAY)], NOW)
    assert why_not(engine, "ann@example.com") == "no_consent"


def test_a_consent_given_after_a_withdrawal_counts(engine):
    import_consents(engine, [row()], NOW)
    withdraw_at(engine, THEN + 10 * DAY)
    import_consents(engine, [row(at=THEN + 11 * DAY)], NOW)
    assert why_not(engine, "ann@example.com") is None


def test_paying_counts_as_consent_only_where_the_setting_says_so(engine):
    assert why_not(engine, "ann@example.com", pays=True) == "no_consent"
    assert why_not(engine, "ann@example.com", policy="customers", pays=True) is None
    assert why_not(engine, "ann@example.com", policy="customers", pays=False) == "no_consent"


def test_a_withdrawal_beats_paying_even_where_no_consent_was_recorded(engine):
    withdraw_at(engine, NOW)
    assert why_not(engine, "ann@example.com", policy="customers", pays=True) == "no_consent"


def test_suppression_beats_everything(engine):
    import_consents(engine, [row()], NOW)
    with writing(engine) as connection:
        key = address_key("ann@example.com")
        assert suppress(connection, key, reason="complaint", source="test", now=NOW)
        assert not suppress(connection, key, reason="bounce", source="test", now=NOW)
    assert why_not(engine, "ann@example.com", policy="customers", pays=True) == "suppressed"


def test_many_candidates_are_answered_in_order(engine):
    import_consents(engine, [row(f"p{n}@example.com", line=n) for n in range(0, 1300, 2)], NOW)
    with reading(engine) as connection:
        found = list(reasons(connection, (Candidate(f"p{n}@example.com") for n in range(1300)), "required"))
    assert found == [None, "no_consent"] * 650


def test_bad_lines_are_counted_with_their_number_and_the_rest_is_stored(engine, tmp_path):
    file = tmp_path / "consents.jsonl"
    file.write_text(
        '{"email": "ann@example.com", "source": "form", "at": "2026-01-01T10:00:00+01:00", "proof": "x"}\n'
        "\n"
        "no json\n"
        '["a list"]\n'
        '{"email": "bob@example.com", "source": "form"}\n'
        '{"email": "nonsense", "source": "form", "at": "2026-01-01"}\n'
        '{"email": "carl@example.com", "source": "form", "at": "yesterday"}\n'
        '{"email": "dora@example.com", "source": "form", "at": "2026-01-02"}\n'
    )
    result = import_consents(engine, read_consent_file(file, "Europe/Berlin"), NOW)
    assert (result.read, result.granted) == (7, 2)
    assert [line for line, _ in result.bad] == [3, 4, 5, 6, 7]
    assert "nonsense" not in str(result.document())


def test_csv_is_read_like_json_lines(engine, tmp_path):
    file = tmp_path / "consents.csv"
    file.write_text("\ufeffemail,source,at,proof\nann@example.com,form,2026-01-01,\nbob@example.com,,2026-01-01,\n")
    result = import_consents(engine, read_consent_file(file, "UTC"), NOW)
    assert (result.granted, result.bad) == (1, [(3, "no 'source'")])


def test_a_csv_file_without_the_columns_is_refused_whole(engine, tmp_path):
    file = tmp_path / "consents.csv"
    file.write_text("mail,when\nann@example.com,2026-01-01\n")
    with pytest.raises(UsageError, match="at, email, source"):
        import_consents(engine, read_consent_file(file, "UTC"), NOW)


def test_a_missing_file_is_a_wrong_call(tmp_path):
    with pytest.raises(UsageError):
        read_consent_file(tmp_path / "nothing.jsonl", "UTC")
