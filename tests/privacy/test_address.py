"""One spelling per address."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.privacy import InvalidAddressError, address_key, mask, normalise, parse_address

LOCAL = st.from_regex(r"[A-Za-z0-9_+-]{1,20}(\.[A-Za-z0-9_+-]{1,20})?", fullmatch=True)
DOMAIN = st.from_regex(r"[A-Za-z0-9]{1,20}(-[A-Za-z0-9]{1,10})?\.(com|org|example|co\.uk)", fullmatch=True).filter(
    lambda name: name[2:4] != "--"
)
SPACE = st.text(" \t\n", max_size=3)


@given(SPACE, LOCAL, DOMAIN, SPACE)
def test_the_key_of_a_plain_address_is_the_hash_of_its_trimmed_lower_case(before, local, domain, after):
    if domain.endswith(".example"):
        domain = domain.removesuffix(".example") + ".com"
    given_address = f"{before}{local}@{domain}{after}"
    assert address_key(given_address) == hashlib.sha256(given_address.strip().lower().encode()).hexdigest()


@pytest.mark.parametrize(
    "spellings",
    [
        ("Ann@Example.COM", " ann@example.com "),
        ("jos\u00e9@example.com", "jose\u0301@example.com", "JOSE\u0301@example.com"),
        ("ann@b\u00fccher.de", "ann@xn--bcher-kva.de", "ann@BU\u0308CHER.de"),
    ],
)
def test_spellings_of_one_address_have_one_key(spellings):
    assert len({address_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.b@example.com", "ab@example.com"), ("ann+x@example.com", "ann@example.com"), ("a@b.com", "a@c.com")],
)
def test_dots_and_plus_signs_are_not_folded(one, other):
    assert address_key(one) != address_key(other)


def test_normalising_twice_changes_nothing():
    for email in ("Ann@Example.COM", "JOSE\u0301@B\u00dcCHER.de", "\u0130@example.com"):
        assert normalise(normalise(email)) == normalise(email)


def test_mail_goes_to_the_local_part_as_it_was_written():
    assert parse_address(" Ann@EXAMPLE.com").deliverable == "Ann@example.com"


@pytest.mark.parametrize("text", ["", "ann", "ann@", "@example.com", "a b@example.com", "a@b\r\nBcc: c@d.com"])
def test_what_is_no_address_is_refused_without_being_quoted(text):
    with pytest.raises(InvalidAddressError) as refused:
        address_key(text)
    assert not text or text not in str(refused.value)


def test_a_masked_address_does_not_tell_who_it_is():
    assert mask("ann.smith@example.com") == "a***@example.com"
    assert mask(None) is None
