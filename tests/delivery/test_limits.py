"""The limits of a campaign: each keeps people from a mail, or lets them wait, and every one of them is counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from pipelines.campaigns import move, resume
from pipelines.delivery import send
from pipelines.delivery.limits import quiet_times, quiet_until
from pipelines.delivery.pace import Pace
from pipelines.errors import MillstreamError
from pipelines.mail import Handover
from pipelines.privacy import address_key, suppress
from pipelines.state import writing
from pipelines.state.tables import recipients
from tests.delivery.clockwork import Scripted, Time
from tests.delivery.ready import address, certificate, counts, make_ready, plan_rows, rows_of
from tests.segments.people import NOW

HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_at_most_sixteen_mails_are_in_flight(settings, engine):
    make_ready(settings, engine, range(40))
    mailer = Scripted(lambda _mail, _number: counts_now(engine, seen))
    seen: list[int] = []
    send(settings, "win-back", lambda: NOW, mailer=mailer)
    assert counts(engine) == {"accepted": 40}
    assert 1 <= max(seen) <= 16
    assert mailer.most_busy <= 16


def counts_now(engine, seen: list[int]) -> None:
    seen.append(counts(engine).get("in_flight", 0))


def test_every_occurrence_that_is_due_is_sent(settings, engine):
    make_ready(settings, engine, range(3))
    plan_rows(engine, "win-back", range(2), "2026-06-08")
    mailer = Scripted()
    assert send(settings, "win-back", lambda: NOW, mailer=mailer).accepted == 5
    assert sorted({mail.occurrence for mail in mailer.mails}) == ["2026-06-08", "once"]


def test_whoever_is_due_later_waits_and_the_sender_says_until_when(settings, engine):
    later = NOW + 3 * HOUR
    make_ready(settings, engine, range(10), rows={n: {"not_before": later + n * HOUR} for n in range(4)})
    done = send(settings, "win-back", lambda: NOW, mailer=Scripted())
    assert (done.accepted, done.waiting, done.waiting_until, done.state) == (6, 4, later, "sending")
    assert not done.stopped
    done = send(settings, "win-back", lambda: later + HOUR, mailer=Scripted())
    assert (done.accepted, done.waiting) == (2, 2)
    done = send(settings, "win-back", lambda: later + 9 * HOUR, mailer=Scripted())
    assert (done.accepted, done.waiting, done.state) == (2, 0, "sent")


def test_a_schedule_missed_by_six_hours_mails_nobody(settings, engine):
    due = {"not_before": NOW, "not_after": NOW + 3 * HOUR}
    make_ready(settings, engine, range(30), rows=dict.fromkeys(range(25), due))
    mailer = Scripted()
    done = send(settings, "win-back", lambda: NOW + 6 * HOUR, mailer=mailer)
    assert (done.accepted, done.late, done.state) == (5, 25, "sent")
    assert counts(engine) == {"accepted": 5, "cancelled": 25}
    assert {row.reason for row in rows_of(engine) if row.state == "cancelled"} == {"late"}
    told = "audience 30 = accepted 5 + cancelled 25; duplicates 0, missing 0, ambiguous 0"
    assert certificate(engine, mailer) == told


def test_a_suppression_between_planning_and_claim_keeps_its_person_from_the_mail(settings, engine):
    make_ready(settings, engine, range(10))
    with writing(engine) as connection:
        for number in (2, 7):
            suppress(connection, address_key(address(number)), reason="complaint", source="test", now=NOW)
    mailer = Scripted()
    done = send(settings, "win-back", lambda: NOW, mailer=mailer)
    assert (done.accepted, done.suppressed) == (8, 2)
    assert counts(engine) == {"accepted": 8, "suppressed": 2}
    assert not {address(2), address(7)} & {mail.to for mail in mailer.mails}


def test_a_suppression_between_claim_and_mail_does_too(settings, engine):
    make_ready(settings, engine, range(40))

    def refuse_all(_mail, number: int) -> None:
        if number == 1:
            with writing(engine) as connection:
                for person in range(40):
                    suppress(connection, address_key(address(person)), reason="complaint", source="test", now=NOW)

    mailer = Scripted(refuse_all)
    done = send(settings, "win-back", lambda: NOW, mailer=mailer)
    # In the air when it came: the first, and those that left in the same transaction.
    assert 1 <= done.accepted <= 16
    assert done.accepted + done.suppressed == 40
    assert counts(engine) == {"accepted": done.accepted, "suppressed": done.suppressed}


class TestTheFrequencyCap:
    def mailed(self, settings, engine, name: str, people: range, days_ago: int) -> None:
        make_ready(settings, engine, people, name, at=NOW - timedelta(days=days_ago))
        send(settings, name, lambda: NOW - timedelta(days=days_ago), mailer=Scripted())

    def test_counts_the_mails_of_every_campaign_in_a_rolling_time(self, settings, engine):
        self.mailed(settings, engine, "first", range(10), 6)
        self.mailed(settings, engine, "second", range(5), 5)
        self.mailed(settings, engine, "long-ago", range(5, 10), 8)
        make_ready(settings, engine, range(12), limits={"frequency_cap": {"count": 2, "within": "7d"}})
        done = send(settings, "win-back", lambda: NOW, mailer=Scripted())
        assert (done.accepted, done.capped, done.state) == (7, 5, "sent")
        capped = [row for row in rows_of(engine) if row.state == "capped"]
        assert [row.person_id for row in capped] == [f"p{n:04d}" for n in range(5)]
        assert {row.reason for row in capped} == {"frequency_cap"}

    def test_counts_mails_in_doubt_and_not_those_that_were_refused(self, settings, engine):
        make_ready(settings, engine, range(4), "first")
        make_ready(settings, engine, range(4), "second")
        doubt, refused = Handover("ambiguous", reason="reset"), Handover("rejected", reason="400", status=400)
        send(settings, "first", lambda: NOW, mailer=Scripted(lambda _m, _n: doubt))
        send(settings, "second", lambda: NOW, mailer=Scripted(lambda _m, _n: refused))
        cap = {"frequency_cap": {"count": 1, "within": "1d"}}
        make_ready(settings, engine, range(6), limits=cap)
        done = send(settings, "win-back", lambda: NOW, mailer=Scripted())
        assert (done.accepted, done.capped) == (2, 4)

    def test_counts_two_mails_of_one_transaction(self, settings, engine):
        make_ready(settings, engine, range(3), limits={"frequency_cap": {"count": 1, "within": "1h"}})
        plan_rows(engine, "win-back", range(3), "second")
        done = send(settings, "win-back", lambda: NOW, mailer=Scripted())
        assert (done.accepted, done.capped) == (3, 3)


class TestQuietHours:
    def test_hold_a_mail_back_until_they_end_where_the_person_lives(self, settings, engine):
        zones = {0: "Europe/Berlin", 1: "America/New_York", 2: "Asia/Tokyo", 3: None}
        night = at(
            "2026-06-01T21:30"
        )  # 23:30 in Berlin, 17:30 in New York, 06:30 in Tokyo, 21:30 in the reporting zone.
        rows = {number: {"timezone": zone} for number, zone in zones.items()}
        make_ready(settings, engine, range(4), rows=rows, limits={"quiet_hours": "21:00-08:00"})
        mailer = Scripted()
        done = send(settings, "win-back", lambda: night, mailer=mailer)
        assert [mail.to for mail in mailer.mails] == [address(1)]
        assert (done.waiting, done.waiting_until) == (3, at("2026-06-01T23:00"))
        waiting = {row.person_id: row.not_before for row in rows_of(engine) if row.state == "planned"}
        assert waiting == {
            "p0000": at("2026-06-02T06:00"),
            "p0002": at("2026-06-01T23:00"),
            "p0003": at("2026-06-02T08:00"),
        }
        assert send(settings, "win-back", lambda: at("2026-06-02T08:00"), mailer=mailer).state == "sent"

    def test_that_end_too_late_leave_their_person_without_a_mail(self, settings, engine):
        night = at("2026-06-01T22:00")
        rows = {0: {"not_after": night + 3 * HOUR}, 1: {"not_after": night + 10 * HOUR}}
        make_ready(settings, engine, range(2), rows=rows, limits={"quiet_hours": "21:00-08:00"})
        done = send(settings, "win-back", lambda: night, mailer=Scripted())
        assert (done.late, done.waiting) == (1, 1)
        assert counts(engine) == {"cancelled": 1, "planned": 1}

    @pytest.mark.parametrize(
        ("moment", "zone", "quiet", "until"),
        [
            # Berlin goes to summer time on 29 March 2026 at 01:00 UTC: the night has an hour less.
            ("2026-03-28T22:00", "Europe/Berlin", "21:00-08:00", "2026-03-29T06:00"),
            ("2026-03-27T22:00", "Europe/Berlin", "21:00-08:00", "2026-03-28T07:00"),
            # An end at 02:30 is skipped: the clock goes from 02:00 to 03:00.
            ("2026-03-28T22:00", "Europe/Berlin", "21:00-02:30", "2026-03-29T01:30"),
            # Back to winter time on 25 October 2026 at 01:00 UTC: an hour more.
            ("2026-10-24T21:00", "Europe/Berlin", "21:00-08:00", "2026-10-25T07:00"),
            # 02:30 is shown twice: at 00:30 and at 01:30 UTC.
            ("2026-10-25T00:10", "Europe/Berlin", "21:00-02:30", "2026-10-25T00:30"),
            ("2026-10-25T01:10", "Europe/Berlin", "21:00-02:30", "2026-10-25T01:30"),
            # New York: 8 March and 1 November 2026, at 07:00 and 06:00 UTC.
            ("2026-03-08T04:00", "America/New_York", "22:00-07:00", "2026-03-08T11:00"),
            ("2026-11-01T04:00", "America/New_York", "22:00-07:00", "2026-11-01T12:00"),
            # Hours of one day, and moments outside of them or on their edges.
            ("2026-06-01T12:00", "UTC", "11:30-13:00", "2026-06-01T13:00"),
            ("2026-06-01T13:00", "UTC", "11:30-13:00", None),
            ("2026-06-01T08:00", "UTC", "21:00-08:00", None),
            ("2026-06-01T20:59", "UTC", "21:00-08:00", None),
            ("2026-06-01T21:00", "UTC", "21:00-08:00", "2026-06-02T08:00"),
        ],
    )
    def test_over_a_change_of_the_clock(self, moment: str, zone: str, quiet: str, until: str | None):
        assert quiet_until(at(moment), zone, *quiet_times(quiet)) == (None if until is None else at(until))


def busiest_minute(moments: list[float]) -> int:
    """The most mails of any sixty seconds."""
    return max(sum(begin <= moment < begin + 60 for moment in moments) for begin in moments)


class TestPerMinute:
    def test_spreads_the_mails_over_the_seconds(self, settings, engine):
        make_ready(settings, engine, range(100), limits={"per_minute": 120})
        time = Time()
        left: list[float] = []
        send(settings, "win-back", mailer=Scripted(lambda _m, _n: left.append(time.passed)), watch=time.watch())
        assert counts(engine) == {"accepted": 100}
        assert max(left.count(second) for second in left) == 2
        assert max(left) == 49

    def test_holds_for_every_minute_that_slides(self, settings, engine):
        make_ready(settings, engine, range(100), limits={"per_minute": 31})
        time = Time()
        left: list[float] = []
        send(settings, "win-back", mailer=Scripted(lambda _m, _n: left.append(time.passed)), watch=time.watch())
        assert len(left) == 100
        assert busiest_minute(left) == 31

    def test_is_not_doubled_by_a_restart(self, settings, engine):
        make_ready(settings, engine, range(100), limits={"per_minute": 30})
        time = Time()
        left: list[float] = []

        def pause_at_ten(_mail, number: int) -> None:
            left.append(time.passed)
            if number == 10:
                with writing(engine) as connection:
                    move(connection, "win-back", "paused", now=time.now(), actor="ann")

        while counts(engine).get("planned"):
            # After ten mails somebody ends the sender, and begins it again at once.
            try:
                send(settings, "win-back", mailer=Scripted(pause_at_ten), watch=time.watch())
            except MillstreamError:
                with writing(engine) as connection:
                    resume(connection, "win-back", now=time.now(), actor="ann")

        assert len(left) == 100
        assert busiest_minute(left) <= 30

    def test_goes_on_from_what_the_ledger_says_left(self):
        time = Time()
        left = {NOW - timedelta(seconds=50): 20, NOW - timedelta(seconds=10): 8, NOW + HOUR: 1}
        pace = Pace(30, time.watch(), left)
        assert pace.room(16) == 0  # One left in this second already, by a clock that was ahead.
        time.passed = 1
        assert pace.room(16) == 1
        pace.left(1)
        assert pace.room(16) == 0
        time.passed = 9
        assert pace.room(16) == 0
        time.passed = 11
        assert pace.room(16) == 1

    def test_without_a_limit_everybody_may_leave(self):
        pace = Pace(None, Time().watch(), {})
        assert (pace.room(16), pace.seconds()) == (16, None)


class TestAClockThatJumps:
    def test_backwards_does_not_mail_anybody_twice_or_faster(self, settings, engine):
        make_ready(settings, engine, range(60), limits={"per_minute": 60})
        time = Time()
        left: list[float] = []

        def jump(_mail, number: int) -> None:
            left.append(time.passed)
            if number == 20:
                time.ahead = -2 * HOUR

        mailer = Scripted(jump)
        send(settings, "win-back", mailer=mailer, watch=time.watch())
        assert set(mailer.has.values()) == {1}
        assert (len(mailer.has), counts(engine)) == (60, {"accepted": 60})
        assert busiest_minute(left) <= 60
        moments: Any = [row.in_flight_at for row in sorted(rows_of(engine), key=lambda row: row.message_id)]
        assert min(moments) >= NOW

    def test_backwards_in_a_rest_lets_nobody_wait_for_the_lost_hours(self, settings, engine):
        make_ready(settings, engine, range(20))
        time = Time()

        def limited_once(_mail, number: int) -> Handover | None:
            if number > 1:
                return None
            until = time.now() + timedelta(seconds=30)
            time.ahead = -2 * HOUR
            return Handover("later", reason="429", status=429, retry_at=until)

        done = send(settings, "win-back", mailer=Scripted(limited_once), watch=time.watch())
        assert (done.accepted, done.state) == (20, "sent")
        assert time.passed < 60

    def test_forwards_past_the_lateness_mails_nobody_any_more(self, settings, engine):
        rows = {number: {"not_after": NOW + HOUR} for number in range(100)}
        make_ready(settings, engine, range(100), rows=rows)
        time = Time()

        def jump(_mail, number: int) -> None:
            if number == 1:
                time.ahead = 6 * HOUR

        mailer = Scripted(jump)
        done = send(settings, "win-back", mailer=mailer, watch=time.watch())
        assert done.accepted == len(mailer.has) <= 32
        assert counts(engine) == {"accepted": done.accepted, "cancelled": 100 - done.accepted}
        assert done.late == 100 - done.accepted


def test_a_row_that_somebody_else_moved_meanwhile_is_not_mailed(settings, engine):
    make_ready(settings, engine, range(40))

    def take_away(_mail, number: int) -> None:
        if number == 1:
            with writing(engine) as connection:
                claimed = update(recipients).where(recipients.c.state == "claimed")
                connection.execute(claimed.values(owner="another"))

    mailer = Scripted(take_away)
    done = send(settings, "win-back", lambda: NOW, mailer=mailer)
    assert counts(engine) == {"accepted": done.accepted, "claimed": 40 - done.accepted}
    assert len(mailer.mails) == done.accepted <= 16


def test_no_step_looks_through_the_whole_campaign(settings, engine):
    """On SQLite, whose planner takes the campaign's index as soon as a statement names the campaign."""
    make_ready(settings, engine, range(3))
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _k, text, given, _x, _m: asked.append((text, given)))
    send(settings, "win-back", lambda: NOW, mailer=Scripted())
    found = [
        (text, given)
        for text, given in asked
        if "dedupe_key" in text.partition("WHERE")[2] and "mail_events" not in text
    ]
    assert len(found) >= 4
    with engine.connect() as connection:
        for text, given in found:
            first = given[0] if isinstance(given, list) else given
            plan = [row[3] for row in connection.exec_driver_sql(f"explain query plan {text}", first)]
            assert all("dedupe_key=?" in step for step in plan), plan
