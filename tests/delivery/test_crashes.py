"""Senders are killed over and over while a provider misbehaves; its own record says that nobody was mailed twice.

Half of them end at a named place, half by SIGKILL at a random moment, some as the real command. `make chaos` does
the same ten thousand times (chaos.py).
"""

from __future__ import annotations

import pytest

from pipelines.settings import Settings
from tests.delivery.ordeal import PLACES, WEATHER, suffer
from tests.postgres import fresh_database

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(600)]


@pytest.mark.parametrize("kills", [30, pytest.param(100, marks=pytest.mark.long)])
def test_senders_killed_on_sqlite_mail_nobody_twice_and_forget_nobody(settings, kills):
    ordeal = suffer(settings, kills, seed=8)
    assert ordeal.killed.total() >= kills
    assert set(ordeal.killed) == {*PLACES, "SIGKILL"}
    assert set(ordeal.account.answered) == set(WEATHER)


@pytest.mark.parametrize("kills", [10, pytest.param(30, marks=pytest.mark.long)])
def test_senders_killed_on_postgresql_mail_nobody_twice_and_forget_nobody(settings, server, kills):
    there = Settings(
        MILLSTREAM_DATA_DIR=settings.data_dir,
        MILLSTREAM_STATE_URL=fresh_database(server),
        MILLSTREAM_POSTAL_ADDRESS=settings.postal_address,
    )
    assert suffer(there, kills, seed=9).killed.total() >= kills


@pytest.mark.long
def test_five_times_it_is_the_real_command_that_is_killed(settings):
    # `slow` answers later than the mailer waits.
    ordeal = suffer(settings, 15, commands=5, seed=10, slow=1.2)
    assert ordeal.killed["command"] == 5
