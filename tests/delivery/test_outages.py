"""When the mailer does not take mails: rests, refusals, the circuit breaker, and mails in doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from pipelines.campaigns import find, move, resume
from pipelines.delivery import send, settle_doubts
from pipelines.errors import MillstreamError
from pipelines.mail import Handover
from pipelines.state import reading, writing
from pipelines.state.tables import mail_events, recipients
from tests.delivery.clockwork import Scripted, Time, in_turn
from tests.delivery.ready import certificate, counts, make_ready, rows_of
from tests.segments.people import NOW

DOWN = Handover("not_sent", reason="connection refused")
UNAVAILABLE = Handover("ambiguous", reason="503", status=503)
RESET = Handover("ambiguous", reason="connection reset")


def state_of(engine) -> tuple[str, str | None]:
    with reading(engine) as connection:
        row = find(connection, "win-back")
    return row.state, row.reason


def until(time: Time, seconds: float, answer: Handover):
    """The mailer answers so until so many seconds have passed, then it takes everything."""
    return lambda _mail, _number: answer if time.passed < seconds else None


def test_an_outage_is_waited_out_and_fails_nobody(settings, engine):
    make_ready(settings, engine, range(50))
    time = Time()
    told: list[str] = []
    mailer = Scripted(until(time, 600, DOWN))
    done = send(settings, "win-back", mailer=mailer, watch=time.watch(), note=told.append)
    assert (done.accepted, done.ambiguous, done.rejected, done.state) == (50, 0, 0, "sent")
    assert counts(engine) == {"accepted": 50}
    assert set(mailer.has.values()) == {1}
    # Some left before the first answer; after that one mail tried, after 1, 2, 4, 8, 16, 30, 30, ... seconds.
    tries = 5 + 20
    assert tries <= mailer.asked - 50 <= tries + 15
    assert len(told) == 2
    assert "does not take mails (connection refused)" in told[0]
    assert "answers again after 6" in told[1]


def test_a_provider_that_answers_503_costs_the_mails_in_the_air_and_one_for_each_try(settings, engine):
    make_ready(settings, engine, range(100))
    time = Time()
    mailer = Scripted(until(time, 3600, UNAVAILABLE))
    done = send(settings, "win-back", mailer=mailer, watch=time.watch())
    tries = 9 + 11  # After 1, 2, 4, ... 256 seconds, then every 300.
    assert done.ambiguous <= 16 + tries
    assert done.accepted + done.ambiguous == 100
    assert counts(engine) == {"accepted": done.accepted, "ambiguous": done.ambiguous}


def test_sixteen_doubts_in_a_row_are_an_outage_too(settings, engine):
    make_ready(settings, engine, range(100))
    time = Time()
    done = send(settings, "win-back", mailer=Scripted(until(time, 100, RESET)), watch=time.watch())
    assert done.ambiguous <= 16 + 15 + 7
    assert done.accepted == 100 - done.ambiguous
    assert time.passed >= 100


def test_single_doubts_hold_nobody_up(settings, engine):
    make_ready(settings, engine, range(100))
    time = Time()
    mailer = Scripted(lambda _mail, number: RESET if number % 5 == 0 else None)
    done = send(settings, "win-back", mailer=mailer, watch=time.watch())
    assert (done.accepted, done.ambiguous, time.passed) == (80, 20, 0)


def test_a_stop_ends_the_wait_for_a_mailer(settings, engine):
    make_ready(settings, engine, range(20))

    def act() -> None:
        with writing(engine) as connection:
            move(connection, "win-back", "paused", now=NOW, actor="ann", reason="enough")

    time = Time()
    mailer = Scripted(lambda _mail, _number: act_at(time, 40, act))
    with pytest.raises(MillstreamError, match="enough"):
        send(settings, "win-back", mailer=mailer, watch=time.watch())
    assert set(counts(engine)) <= {"planned", "retry_wait"}


def act_at(time: Time, seconds: float, act) -> Handover:
    if time.passed >= seconds and not getattr(time, "acted", False):
        time.acted = True  # type: ignore[attr-defined]
        act()
    return DOWN


def test_a_rate_limit_lets_everybody_wait_until_it_ends(settings, engine):
    make_ready(settings, engine, range(80))
    time = Time()
    told: list[str] = []
    limited = Handover("later", reason="429", status=429, retry_at=NOW + timedelta(seconds=45))
    asked: list[float] = []

    def say(_mail, number: int) -> Handover | None:
        asked.append(time.passed)
        return limited if number == 20 else None

    mailer = Scripted(say)
    done = send(settings, "win-back", mailer=mailer, watch=time.watch(), note=told.append)
    assert (done.accepted, done.rejected, done.ambiguous, done.state) == (80, 0, 0, "sent")
    assert set(mailer.has.values()) == {1}
    # Those in the air with it, and then nobody for 45 seconds.
    assert sum(moment == 0 for moment in asked) <= 20 + 15
    assert {moment for moment in asked if moment > 0} == {45}
    assert told == ["the mailer asks for a rest until 00:00:45 UTC; everybody waits."]


def test_a_rate_limit_holds_for_the_next_sender_too(settings, engine):
    make_ready(settings, engine, range(30))
    time = Time()
    limited = Handover("later", reason="429", status=429, retry_at=NOW + timedelta(seconds=45))
    refused = Handover("refused", reason="401", status=401)
    with pytest.raises(MillstreamError, match="refuses"):
        send(settings, "win-back", mailer=Scripted(in_turn([limited, refused])), watch=time.watch())
    with writing(engine) as connection:
        resume(connection, "win-back", now=NOW, actor="ann")
    time.passed, left = 10, []
    before = counts(engine).get("accepted", 0)
    send(settings, "win-back", mailer=Scripted(lambda _m, _n: left.append(time.passed)), watch=time.watch())
    assert (counts(engine), set(left), len(left)) == ({"accepted": 30}, {45}, 30 - before)


def test_a_rate_limit_that_names_no_time_lasts_a_minute(settings, engine):
    make_ready(settings, engine, range(3))
    time = Time()
    limited = Handover("later", reason="429", status=429)
    send(settings, "win-back", mailer=Scripted(lambda _m, n: limited if n <= 3 else None), watch=time.watch())
    assert (counts(engine), time.passed) == ({"accepted": 3}, 60)


def test_a_refused_account_pauses_the_campaign_and_loses_nobody(settings, engine):
    make_ready(settings, engine, range(50))
    refused = Handover("refused", reason="401 The provided authorization grant is invalid", status=401)
    mailer = Scripted(lambda _mail, number: refused if number > 10 else None)
    with pytest.raises(MillstreamError, match="refuses this account: 401"):
        send(settings, "win-back", lambda: NOW, mailer=mailer)
    state, reason = state_of(engine)
    assert state == "paused"
    assert "401" in str(reason)
    assert counts(engine) == {"accepted": 10, "planned": 40}
    with pytest.raises(MillstreamError, match="paused"):
        send(settings, "win-back", lambda: NOW, mailer=mailer)
    with writing(engine) as connection:
        resume(connection, "win-back", now=NOW, actor="ann")
    again = Scripted()
    assert send(settings, "win-back", lambda: NOW, mailer=again).accepted == 40
    assert not mailer.has.keys() & again.has.keys()


def test_a_mailer_that_breaks_leaves_its_mail_in_doubt_and_ends_the_sender(settings, engine):
    make_ready(settings, engine, range(50))

    def say(_mail, number: int) -> None:
        if number == 20:
            raise RuntimeError("a mistake in the mailer")

    mailer = Scripted(say)
    with pytest.raises(RuntimeError, match="a mistake"):
        send(settings, "win-back", lambda: NOW, mailer=mailer)
    found = counts(engine)
    assert found["ambiguous"] == 1
    assert found["accepted"] == len(mailer.has) == 49 - found["planned"]
    send(settings, "win-back", lambda: NOW, mailer=Scripted())
    assert counts(engine) == {"accepted": 49, "ambiguous": 1}


def test_pausing_and_resuming_fifty_times_mails_everybody_once(settings, engine):
    # Each time up to sixteen are in the air when the first of them lands.
    make_ready(settings, engine, range(820))
    mailer = Scripted()
    for _ in range(50):
        first = mailer.asked + 1

        def pause(_mail, number: int, first: int = first) -> None:
            if number == first:
                with writing(engine) as connection:
                    move(connection, "win-back", "paused", now=NOW, actor="ann", reason="a look")

        mailer.say = pause
        with pytest.raises(MillstreamError, match="a look"):
            send(settings, "win-back", lambda: NOW, mailer=mailer)
        assert counts(engine) == {"accepted": len(mailer.has), "planned": 820 - len(mailer.has)}
        with writing(engine) as connection:
            resume(connection, "win-back", now=NOW, actor="ann")
    send(settings, "win-back", lambda: NOW, mailer=mailer)
    assert (len(mailer.has), set(mailer.has.values())) == (820, {1})
    assert certificate(engine, mailer) == ("audience 820 = accepted 820; duplicates 0, missing 0, ambiguous 0")


def tell(engine, kind: str, keys: list[str], campaign: str = "win-back") -> None:
    """The provider's events of these mails, as the webhook writes them."""
    rows = [
        {
            "event_id": f"{kind}-{key}", "dedupe_key": key, "campaign": campaign, "occurrence": "once",
            "address_key": None, "event": kind, "is_machine": False, "event_at": NOW, "received_at": NOW,
        }
        for key in keys
    ]  # fmt: skip
    with writing(engine) as connection:
        connection.execute(insert(mail_events), rows)


class TestTheBreaker:
    def sent_and_told(self, settings, engine, kind: str, told: int, *, size: int = 560) -> Scripted:
        make_ready(settings, engine, range(size))
        time = Time()

        def say(mail, number: int) -> None:
            time.passed += 1
            if number <= told:
                tell(engine, kind, [mail.key])

        mailer = Scripted(say)
        send(settings, "win-back", mailer=mailer, watch=time.watch())
        return mailer

    @pytest.mark.parametrize(("kind", "few", "many"), [("bounce", 25, 40), ("spamreport", 0, 1)])
    def test_pauses_a_campaign_above_its_share(self, settings, engine, kind, few, many):
        with pytest.raises(MillstreamError, match=r"among 5\d\d mails, more than"):
            self.sent_and_told(settings, engine, kind, many)
        state, reason = state_of(engine)
        assert state == "paused"
        count, _, said = str(reason).partition(" ")
        assert said.startswith("hard bounces" if kind == "bounce" else "complaints")
        # One that is being told in that moment may not be counted yet.
        assert few < int(count) <= many
        found = counts(engine)
        assert 500 <= found["accepted"] < 560
        assert found["accepted"] + found["planned"] == 560

    def test_lets_a_campaign_go_on_below_it(self, settings, engine):
        self.sent_and_told(settings, engine, "bounce", 25)
        assert state_of(engine)[0] == "sent"

    def test_judges_nobody_before_five_hundred(self, settings, engine):
        self.sent_and_told(settings, engine, "bounce", 490, size=490)
        assert state_of(engine)[0] == "sent"

    def test_judges_anew_after_somebody_looked_and_resumed(self, settings, engine):
        with pytest.raises(MillstreamError, match="hard bounces"):
            self.sent_and_told(settings, engine, "bounce", 60)
        with writing(engine) as connection:
            resume(connection, "win-back", now=NOW + timedelta(days=1), actor="ann")
        done = send(settings, "win-back", lambda: NOW + timedelta(days=1), mailer=Scripted())
        assert done.state == "sent"
        assert counts(engine) == {"accepted": 560}


class TestDoubts:
    def in_doubt(self, settings, engine) -> list[str]:
        make_ready(settings, engine, range(20))
        mailer = Scripted(lambda _mail, number: RESET if number % 4 == 0 else None)
        send(settings, "win-back", lambda: NOW, mailer=mailer)
        assert counts(engine) == {"accepted": 15, "ambiguous": 5}
        return [row.dedupe_key for row in rows_of(engine) if row.state == "ambiguous"]

    def test_are_settled_by_any_word_of_the_provider(self, settings, engine):
        keys = self.in_doubt(settings, engine)
        for kind, key in zip(("processed", "dropped", "delivered", "open"), keys[:4], strict=True):
            tell(engine, kind, [key])
        tell(engine, "processed", ["0" * 64])
        for expected in ((4, 0), (0, 0)):
            settled = settle_doubts(engine, NOW + timedelta(hours=1))
            assert (settled.accepted, settled.gave_up) == expected
        assert counts(engine) == {"accepted": 19, "ambiguous": 1}

    def test_are_given_up_after_a_day_and_never_sent_again(self, settings, engine):
        keys = self.in_doubt(settings, engine)
        assert settle_doubts(engine, NOW + timedelta(hours=23, minutes=59)).gave_up == 0
        assert settle_doubts(engine, NOW + timedelta(hours=24)).gave_up == 5
        again = Scripted()
        send(settings, "win-back", lambda: NOW + timedelta(days=2), mailer=again)
        assert again.asked == 0
        assert certificate(engine, None) == (
            "audience 20 = accepted 15 + gave up 5; duplicates 0, missing 0, ambiguous 0"
        )
        tell(engine, "delivered", keys[:1])
        assert settle_doubts(engine, NOW + timedelta(days=2)).accepted == 1
        assert counts(engine) == {"accepted": 16, "gave_up": 4}

    def test_are_settled_by_the_next_sender(self, settings, engine):
        make_ready(settings, engine, range(3))
        with writing(engine) as connection:
            first = update(recipients).where(recipients.c.person_id == "p0000")
            connection.execute(first.values(state="in_flight", owner="dead", in_flight_at=NOW))
        (row, *_) = rows_of(engine)
        tell(engine, "delivered", [row.dedupe_key])
        done = send(settings, "win-back", lambda: NOW, mailer=Scripted())
        assert (done.in_doubt_from_before, done.accepted) == (1, 2)
        assert counts(engine) == {"accepted": 3}
