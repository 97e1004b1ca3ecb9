"""`millstream campaign`: mail a segment once, and know what became of it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.earned import print_earned, print_next
from pipelines.cli.output import emit, note, table
from pipelines.cli.segment import AsJson, AsOf, published
from pipelines.errors import MillstreamError, UsageError
from pipelines.moments import end_of_day
from pipelines.settings import load_settings

group = typer.Typer(help="Mail a segment, and know what became of it.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a saved campaign.")]
User = Annotated[str | None, typer.Option("--as", help="Who does it; else the user of this machine.")]


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
    changed = save(engine, content, settings.now())
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
    person: Annotated[str | None, typer.Option("--person", help="Show this person's mail: id or address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who would get it, who would not and why, and one finished mail. Changes nothing."""
    from pipelines.campaigns import preview
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    moment = end_of_day(as_of, settings.reporting_timezone)
    snapshot = published(settings)
    found = preview(engine, snapshot, settings, name, moment, person=person)
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
    if found["mail"]:
        if found["mail"]["state"] != "planned":
            print(f"This person gets no mail: {found['mail']['reason'] or found['mail']['state']}.")
        print(f"To: {found['mail']['to']}\nSubject: {found['mail']['subject']}\n\n{found['mail']['text']}")


@group.command("approve")
def approve_campaign(name: Name, user: User = None, as_json: AsJson = False) -> None:
    """Check a draft, freeze its content and let it be sent."""
    from pipelines.campaigns import approve, show
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    approve(engine, settings, name, settings.now(), user=user or getpass.getuser())
    kept = show(engine, name)
    if as_json:
        emit(_short(kept))
    else:
        print(f"campaign {name} approved by {kept['approved_by']}. `millstream campaign send {name}` sends it.")


@group.command("send")
def send_campaign(name: Name, as_json: AsJson = False) -> None:
    """Send until everybody has an end state; run again, it goes on and mails nobody twice."""
    from pipelines.delivery import report, send
    from pipelines.mail import mailer_for
    from pipelines.state import open_state

    settings = load_settings()
    done = send(settings, name, note=note)
    found = report(open_state(settings), name, mailer_for(settings))
    if as_json:
        emit({**found, "this_call": done.document()})
    else:
        _print_report(found)
        print(f"This call: {done.accepted:,} mails accepted.")
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
    actor = user or getpass.getuser()
    with writing(engine) as connection:
        if to == "cancelled":
            cancel(connection, name, now=settings.now(), actor=actor, reason=reason)
        elif to == "sending":
            resume(connection, name, now=settings.now(), actor=actor)
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
