"""`millstream campaign`: mail a segment once, and know what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.earned import print_earned, print_next
from pipelines.cli.output import emit, note, table
from pipelines.cli.segment import AsJson, AsOf, published
from pipelines.errors import MillstreamError, UsageError
from pipelines.moments import end_of_day
from pipelines.settings import load_settings, machine_user

if TYPE_CHECKING:
    from pipelines.warehouse import Snapshot

group = typer.Typer(help="Mail a segment, and know what became of it.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a saved campaign.")]
User = Annotated[str | None, typer.Option("--as", help="Who does it; else the user of this machine.")]

Person = Annotated[str | None, typer.Option("--person", help="Show this person's mail: id or address.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="campaign")


@group.command("save")
def save_file(file: Annotated[Path, typer.Argument(help="A YAML or JSON document.")], as_json: AsJson = False) -> None:
    """Keep a campaign with its body as a draft; its paths are relative to the document."""
    from pipelines.campaigns import parse_campaign, save, show
    from pipelines.state import open_state

    settings = load_settings()
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise UsageError(f"there is no file {file}. Nothing was saved.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8. Nothing was saved.") from None
    content = parse_campaign(text, file.parent)
    engine = open_state(settings)
    changed = save(engine, content, settings.now(), actor=machine_user())
    kept = show(engine, content.document.name)
    if as_json:
        emit({**_short(kept), "changed": changed})
    else:
        print(f"campaign {kept['name']} {'saved' if changed else 'is unchanged'}: {kept['state']}.")


@group.command("list")
def list_campaigns(as_json: AsJson = False) -> None:
    """Saved campaigns with their states."""
    from pipelines.campaigns import listing
    from pipelines.state import open_state

    rows = listing(open_state(load_settings()))
    if as_json:
        emit({"campaigns": rows})
    else:
        table(("name", "state", "reason", "updated"), [row.values() for row in rows])


@group.command("show")
def show_campaign(name: Name, as_json: AsJson = False) -> None:
    """One campaign: document, body, state, approval."""
    import yaml

    from pipelines.campaigns import show
    from pipelines.state import open_state

    found = show(open_state(load_settings()), name)
    if as_json:
        emit(found)
        return
    print(yaml.safe_dump(found["document"], sort_keys=False, allow_unicode=True))
    table(
        ("", ""),
        [(key, found[key]) for key in ("state", "reason", "approved_by", "approved_at", "content_hash")],
    )


@group.command("preview")
def preview_campaign(
    name: Name,
    as_of: AsOf = None,
    person: Person = None,
    variant: Annotated[str | None, typer.Option(help="Show this variant's mail.")] = None,
    step: Annotated[str | None, typer.Option(help="Show the mail of this step of a sequence.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who would get it, who would not and why, what is wrong with it, and one mail. Changes nothing."""
    from pipelines.campaigns import preview
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    moment = end_of_day(as_of, settings.reporting_timezone)
    snapshot = published(settings)
    found = preview(engine, snapshot, settings, name, moment, person=person, variant=variant, step=step)
    if moment is not None:
        from pipelines.experiments import back_test

        found = {**found, "next": back_test(engine, snapshot, settings, name, moment)}
    if as_json:
        emit(found)
        return
    table(
        ("planned", "holdout", "audience"),
        [[found[k] for k in ("planned", "holdout", "audience")]],
        numbers=(0, 1, 2),
    )
    if found["excluded"]:
        table(("excluded because", "people"), found["excluded"].items(), numbers=(1,))
    if "next" in found:
        print_next(found["next"])
    if found["findings"]:
        columns = ("level", "place", "message")
        table(columns, [[finding[key] for key in columns] for finding in found["findings"]])
    if found["mail"]:
        if found["mail"]["state"] != "planned":
            print(f"This person gets no mail: {found['mail']['reason'] or found['mail']['state']}.")
        print(f"To: {found['mail']['to']}\nSubject: {found['mail']['subject']}\n\n{found['mail']['text']}")


@group.command("approve")
def approve_campaign(name: Name, user: User = None, as_json: AsJson = False) -> None:
    """Check a draft, freeze its content and let it be sent; what is not forbidden but unwise is told."""
    from pipelines.campaigns import approve, findings, load, show
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    approve(engine, settings, name, settings.now(), user=user or machine_user())
    kept = show(engine, name)
    warnings = findings(engine, settings, load(engine, name))
    for finding in warnings:
        note(f"warning: {finding.place}: {finding.message}")
    if as_json:
        emit({**_short(kept), "findings": [finding._asdict() for finding in warnings]})
    else:
        print(f"campaign {name} approved by {kept['approved_by']}. `millstream campaign send {name}` sends it.")


@group.command("test")
def try_campaign(
    name: Name,
    to: Annotated[list[str], typer.Option("--to", help="An address of your own; up to five.")],
    person: Person = None,
    variant: Annotated[str | None, typer.Option(help="The mail of this variant.")] = None,
    step: Annotated[str | None, typer.Option(help="The mail of this step of a sequence.")] = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Send one mail of it to yourself, marked [TEST]; it counts nowhere."""
    from pipelines.campaigns import send_test
    from pipelines.mail import mailer_for
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    mailer = mailer_for(settings)
    try:
        told = send_test(
            engine, published(settings), settings, name, to, settings.now(),
            mailer=mailer, actor=user or machine_user(), person=person, variant=variant, step=step,
        )  # fmt: skip
    finally:
        mailer.close()
    if as_json:
        emit({"campaign": name, "mails": told})
    else:
        table(("to", "outcome", "reason"), [one.values() for one in told])


@group.command("copy")
def copy_campaign(
    name: Name,
    new: Annotated[str, typer.Argument(help="Name of the copy.")],
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Keep it under another name, too, as a draft."""
    from pipelines.campaigns import copy, show
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    copy(engine, name, new, settings.now(), actor=user or machine_user())
    if as_json:
        emit(_short(show(engine, new)))
    else:
        print(f"campaign {new} saved as a copy of {name}: draft.")


@group.command("delete")
def delete_campaign(name: Name, user: User = None, as_json: AsJson = False) -> None:
    """Take away a campaign that was never sent."""
    from pipelines.campaigns import discard
    from pipelines.state import open_state

    settings = load_settings()
    discard(open_state(settings), name, settings.now(), actor=user or machine_user())
    if as_json:
        emit({"name": name, "deleted": True})
    else:
        print(f"campaign {name} deleted.")


@group.command("schedule")
def schedule_campaign(
    name: Name,
    at: Annotated[str | None, typer.Option("--at", help="A time like 2026-11-27T09:00; else the document's.")] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Zone of that time, or recipient: each person's own.")
    ] = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Let an approved campaign go out by itself when its time comes."""
    from pipelines.campaigns import schedule, show
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    actor = user or machine_user()
    waits = schedule(engine, settings, name, settings.now(), at=at, timezone=timezone, actor=actor)
    if as_json:
        emit({**_short(show(engine, name)), "occurrence": waits.occurrence, "due_at": waits.due_at})
    else:
        print(f"campaign {name} is scheduled: due {waits.due_at:%Y-%m-%d %H:%M} UTC. Whom it goes to is settled then.")


@group.command("send")
def send_campaign(
    name: Name,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="As a schedule does: every gate counts, and one that is shut is told.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send until everybody has an end state or waits; run again, it goes on and mails nobody twice."""
    from pipelines.delivery import report, send
    from pipelines.mail import mailer_for
    from pipelines.state import open_state

    settings = load_settings()

    def newest() -> Snapshot:
        # Late: going on with a plan needs neither a snapshot nor what is known of its data.
        from pipelines.operations.campaigns import newest_if_open

        return newest_if_open(settings, name, settings.now(), unattended=unattended, note=note)

    done = send(settings, name, note=note, newest=newest, unattended=unattended)
    found = report(open_state(settings), name, mailer_for(settings))
    if as_json:
        call = done.document()
        emit({**found, "held_back": call.pop("held_back"), "this_call": call})
    else:
        _print_report(found)
        print(f"This call: {done.accepted:,} mails accepted.")
        if done.waiting_until is not None:
            print(f"{done.waiting:,} wait, the first of them until {done.waiting_until:%Y-%m-%d %H:%M} UTC.")
    if done.stopped:
        raise MillstreamError(f"stopped by a signal; {found['open']:,} are left. Send again to go on.")


@group.command("report")
def report_campaign(
    name: Name,
    people: Annotated[bool, typer.Option("--recipients", help="Name the recipients with their states, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What became of everybody, and whether it adds up."""
    from pipelines.experiments import told_report
    from pipelines.state import open_state
    from pipelines.warehouse import SnapshotReader

    settings = load_settings()
    snapshot = SnapshotReader(settings.published_dir).current()
    found = told_report(open_state(settings), settings, name, snapshot, people=people)
    if as_json:
        emit(found)
        return
    _print_report(found)
    print_earned(found)
    if people:
        names = ("person_id", "state", "reason", "variant", "done_at")
        table(
            ("person", "state", "reason", "variant", "done"),
            [[one[name] for name in names] for one in found["recipients"]],
        )


@group.command("pause")
def pause_campaign(
    name: Name,
    reason: Annotated[str, typer.Option(help="Shown to whoever sends meanwhile.")] = "paused by hand",
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Let a sending campaign rest; a running sender ends after the mail in hand."""
    _move(name, "paused", user, as_json, reason)


@group.command("resume")
def resume_campaign(name: Name, user: User = None, as_json: AsJson = False) -> None:
    """Let a paused campaign be sent on."""
    _move(name, "sending", user, as_json, None)


@group.command("cancel")
def cancel_campaign(name: Name, user: User = None, as_json: AsJson = False) -> None:
    """End a campaign; whoever was not mailed yet will not be."""
    _move(name, "cancelled", user, as_json, None)


def _move(name: str, to: str, user: str | None, as_json: bool, reason: str | None) -> None:
    from pipelines.campaigns import cancel, move, resume, show
    from pipelines.state import open_state, writing

    settings = load_settings()
    engine = open_state(settings)
    actor = user or machine_user()
    with writing(engine) as connection:
        if to == "cancelled":
            cancel(connection, name, now=settings.now(), actor=actor, reason=reason)
        elif to == "sending":
            to = resume(connection, name, now=settings.now(), actor=actor)
        else:
            move(connection, name, to, now=settings.now(), actor=actor, reason=reason)
    if as_json:
        emit(_short(show(engine, name)))
    else:
        print(f"campaign {name} is {to}.")


def _short(found: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "state", "reason", "content_hash", "approved_by", "approved_at")
    return {key: found[key] for key in keys}


def _print_report(found: dict[str, Any]) -> None:
    rows = [(state, count) for state, count in found["states"].items() if count]
    table((f"{found['campaign']}: {found['state']}", "people"), rows, numbers=(1,))
    if found["reasons"]:
        table(("reason", "people"), found["reasons"].items(), numbers=(1,))
    print(found["certificate"] + (": here they are" if found["in_doubt"] else "."))
    if found["in_doubt"]:
        names = ("person_id", "dedupe_key", "in_flight_at", "reason")
        rows = [tuple(one[name] for name in names) for one in found["in_doubt"]]
        table(("person", "key of the mail", "handed over", "why nobody knows"), rows)
