"""The short way for plain addresses takes what the library takes, and reads it as the library does."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.privacy import InvalidAddressError, parse_address
from pipelines.privacy.address import _plain, _read

LETTERS = "abzABZ019_!#$%&'*+-/=?^`{|}~.@\"<>() ,;:\\[]\t\u00fc\u212a"
LOCALS = st.one_of(st.text(LETTERS, max_size=12), st.sampled_from(["Info", "POSTMASTER", "a.b", "a..b", "x" * 64, ""]))
DOMAINS = st.one_of(
    st.text("abzABZ019-.", max_size=16),
    st.from_regex(r"[A-Za-z0-9-]{1,8}(\.[A-Za-z0-9-]{1,8}){1,3}", fullmatch=True),
    st.sampled_from(
        ["Example.COM", "a.test", "test", "a.local", "x.invalid", "xn--bcher-kva.de", "ab--cd.de", "1.2.3.4", "[::1]"]
    ),
    st.integers(50, 64).map(lambda size: "d" * size + ".example"),
    st.integers(20, 32).map(lambda times: "seven." * times + "de"),
)


def answer(read, text):
    try:
        found = read(text)
    except InvalidAddressError:
        return None
    return found.deliverable, found.normal, found.key


@settings(max_examples=500, deadline=None)
@given(st.builds("{}@{}".format, LOCALS, DOMAINS))
@example("x" * 242 + "@example.com")
@example("x" * 243 + "@example.com")
def test_an_address_is_taken_refused_and_read_as_the_library_does(text):
    assert answer(parse_address, text) == answer(_read, text.strip())


@pytest.mark.parametrize("text", ["ann@example.com", "Ann.O'Hara+news@Mail.Example.co.uk", "a@b-c.de"])
def test_plain_addresses_take_the_short_way(text):
    assert _plain(text) == _read(text)


@pytest.mark.parametrize(
    "text", ["Info@example.com", "j\u00f6rg@example.com", "ann@b\u00fccher.de", "ann@xn--bcher-kva.de", "ann@localhost"]
)
def test_whatever_has_another_spelling_or_is_none_takes_the_long_way(text):
    assert _plain(text) is None
