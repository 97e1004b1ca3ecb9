"""The unsubscribe link can not be forged and needs nothing stored."""

from __future__ import annotations

import stat

import pytest

from pipelines.errors import UsageError
from pipelines.privacy import address_key, read_token, secret_key, unsubscribe_token

KEY = address_key("ann@example.com")


def test_a_token_names_the_address_and_the_campaign():
    token = unsubscribe_token(b"secret", KEY, "win-back")
    assert read_token(b"secret", token) == (KEY, "win-back")
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_no_changed_character_is_accepted():
    token = unsubscribe_token(b"secret", KEY, "win-back")
    for position, letter in enumerate(token[:-1]):
        changed = token[:position] + ("A" if letter != "A" else "B") + token[position + 1 :]
        with pytest.raises(UsageError):
            read_token(b"secret", changed)


@pytest.mark.parametrize("token", ["", ".", "a.b", "\u00fc.\u00fc", "AAAA", "a" * 1000])
def test_nonsense_is_refused(token):
    with pytest.raises(UsageError):
        read_token(b"secret", token)


def test_another_secret_does_not_open_it():
    with pytest.raises(UsageError):
        read_token(b"other", unsubscribe_token(b"secret", KEY, "win-back"))


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(settings):
    made = secret_key(settings)
    assert secret_key(settings) == made
    assert len(made) >= 32
    assert stat.S_IMODE((settings.data_dir / "secret.key").stat().st_mode) == 0o600
    assert not list(settings.data_dir.glob("*.part"))
