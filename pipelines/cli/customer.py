"""`millstream customer`: find people, and read what happened to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.output import emit, note, table
from pipelines.cli.revenue import newest_snapshot
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.people import Profile, Timeline

group = typer.Typer(help="The people that the data tell of.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Page = Annotated[int, typer.Option(help="Which page; the first is 1.")]
Limit = Annotated[int, typer.Option(help="Rows of a page.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="customer")


@group.command("list")
def list_people(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of a name; or a whole id or address.")] = "",
    sort: Annotated[str, typer.Option(help="mrr, lifetime, name, first_seen or last_seen.")] = "mrr",
    page: Page = 1,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """People by name, address or id; addresses come out masked."""
    from pipelines.money import format_money
    from pipelines.people import told_people

    found = told_people(newest_snapshot(load_settings()), text, sort=sort, page=page, size=limit)
    if as_json:
        emit(found)
        return
    names = ("person_id", "name", "email", "plan", "subscription_status")
    cells = [
        [*(row[name] for name in names), format_money(row["mrr_minor"], row["mrr_currency"] or "USD")]
        for row in found["rows"]
    ]
    table(("person", "name", "e-mail", "plan", "status", "MRR"), cells, numbers=[5])
    note(f"{found['total']:,} in all, page {page}")


@group.command("show")
def show(
    person: Annotated[str, typer.Argument(help="An id, a Stripe customer id or a whole e-mail address.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Only payment, mrr, event, mail or segment; may be repeated.", show_default=False),
    ] = None,
    page: Page = 1,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """One person: traits, segments, whether they may be mailed, and their story, the newest first."""
    from pipelines.people import person_and_story, told_person
    from pipelines.state import open_state

    settings = load_settings()
    snapshot = newest_snapshot(settings)
    engine = open_state(settings)
    found, story = person_and_story(snapshot, engine, person, settings.consent, kinds=kind or (), page=page, size=limit)
    if as_json:
        emit(told_person(snapshot, found, story, page=page))
        return
    _print(found, story)


def _print(found: Profile, story: Timeline) -> None:
    from pipelines.money import format_money

    told = {name: value for name, value in found.traits.items() if value not in (None, [], "")}
    for name, value in told.items():
        currency = _currency_of(name, found.traits)
        print(f"{name.removesuffix('_minor')}: {format_money(value, currency) if currency else value}")
    print("mail: may be sent" if found.refusal is None else f"mail: not to be sent, {found.refusal}")
    for stay in found.stays:
        print(f"segment {stay.segment}: from {stay.entered_at}" + (f" to {stay.left_at}" if stay.left_at else ""))
    if story.rows:
        table(("at (UTC)", "kind", "what", "detail", "amount"), [_cells(row) for row in story.rows], numbers=[4])
    note(f"{story.total:,} moments in all: " + ", ".join(f"{kind} {count}" for kind, count in story.by_kind.items()))


def _currency_of(name: str, traits: dict[str, Any]) -> str | None:
    if not name.endswith("_minor"):
        return None
    return str(traits["mrr_currency" if name == "mrr_minor" else "currency"] or "USD")


def _cells(row: dict[str, Any]) -> list[object]:
    from pipelines.money import format_money

    amount = None if row["amount_minor"] is None else format_money(row["amount_minor"], row["currency"])
    return [row["at"], row["kind"], row["what"], row["detail"], amount]
