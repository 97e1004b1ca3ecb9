"""`millstream segment`: people chosen by a rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import emit, table
from pipelines.errors import UsageError
from pipelines.settings import Settings, load_settings, machine_user

if TYPE_CHECKING:
    from pipelines.segments import SegmentDocument
    from pipelines.warehouse import Snapshot

group = typer.Typer(help="People chosen by a rule.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Ask for the end of this day (reporting time zone).")]
Name = Annotated[str, typer.Argument(help="Name of a saved segment.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="segment")


@group.command("list")
def list_segments(as_json: AsJson = False) -> None:
    """Saved segments."""
    from pipelines.segments import listing
    from pipelines.state import open_state

    rows = listing(open_state(load_settings()))
    if as_json:
        emit({"segments": rows})
    else:
        table(
            ("name", "members", "used by", "description", "updated"),
            [(r["name"], r["members"], ", ".join(r["campaigns"]), r["description"], r["updated_at"]) for r in rows],
            numbers=(1,),
        )


@group.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """The document of one segment, as `save` takes it."""
    import yaml

    from pipelines.segments import load
    from pipelines.state import open_state

    document = load(open_state(load_settings()), name).plain()
    if as_json:
        emit(document)
    else:
        print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")


@group.command("save")
def save_file(file: Annotated[Path, typer.Argument(help="A YAML or JSON document.")], as_json: AsJson = False) -> None:
    """Keep a segment under its name; one that can not be meant is refused."""
    from pipelines.segments import save
    from pipelines.state import open_state

    settings = load_settings()
    document = _document(file)
    changed = save(
        open_state(settings),
        document,
        settings.now(),
        snapshot=_newest(settings),
        timezone=settings.reporting_timezone,
    )
    if as_json:
        emit({"name": document.name, "changed": changed, "document_hash": document.content_hash()})
    else:
        print(f"segment {document.name} {'saved' if changed else 'is unchanged'}.")


@group.command("fields")
def fields(as_json: AsJson = False) -> None:
    """What a rule may ask about a person."""
    from pipelines.segments import told_fields

    found = told_fields(published(load_settings()))
    if as_json:
        emit(found)
    else:
        lines = [
            (row["field"], row["kind"], " ".join(row["ops"]), "yes" if row["has_history"] else "no", row["meaning"])
            for row in found["fields"]
        ]
        table(("field", "kind", "comparisons", "earlier days", "meaning"), lines)


@group.command("preview")
def preview_segment(
    name: Annotated[str, typer.Argument(help="A saved segment, or a document that is not saved yet.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """How many fit, how many of them may be mailed, a few of them, and how many each rule loses."""
    from pipelines.segments import told_preview
    from pipelines.state import open_state

    settings = load_settings()
    document = _named(name, settings)
    answer = told_preview(open_state(settings), published(settings), settings, document, as_of)
    if as_json:
        emit(answer)
        return
    print(answer["sentence"])
    seen = f"{answer['as_of']:%Y-%m-%d %H:%M} UTC"
    print(f"{answer['size']:,} of {answer['people']:,} people, data as of {seen}, snapshot {answer['snapshot']}")
    print(f"{answer['mailable']:,} may be mailed")
    if answer["not_mailable"]:
        table(("not mailed because", "people"), answer["not_mailable"].items(), numbers=(1,))
    steps = [[row[name] for name in ("words", "left", "lost")] for row in answer["loss_by_rule"]]
    table(("rule", "left", "lost"), steps, numbers=(1, 2))
    if answer["sample"]:
        table(answer["sample"][0], [row.values() for row in answer["sample"]])


@group.command("members")
def list_members(
    name: Name,
    as_of: AsOf = None,
    with_history: Annotated[
        bool, typer.Option("--history", help="Who entered and left when, as the runs wrote it down.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Everybody in a segment, by person id; with --history who was in it when."""
    from pipelines.segments import load, told_members
    from pipelines.state import open_state

    settings = load_settings()
    engine = open_state(settings)
    document = load(engine, name)
    found = told_members(engine, published(settings), settings, document, as_of, with_history=with_history)
    if as_json:
        emit(found)
    elif with_history:
        table(("at", "entered", "left", "members"), [row.values() for row in found["history"]], numbers=(1, 2, 3))
        table(("person", "entered", "left"), [row.values() for row in found["stays"]])
    else:
        for person in found["members"]:
            print(person)


@group.command("overlap")
def overlap_of(
    names: Annotated[list[str], typer.Argument(help="Two or more saved segments, or documents.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """How many people segments share."""
    from pipelines.segments import check_several, told_overlap
    from pipelines.state import open_state

    settings = load_settings()
    documents = [_named(name, settings) for name in names]
    check_several(documents)
    answer = told_overlap(open_state(settings), published(settings), settings, documents, as_of)
    if as_json:
        emit(answer)
        return
    table(("segment", "size"), [row.values() for row in answer["segments"]], numbers=(1,))
    headings = ("first", "second", "in both", "first only", "second only")
    table(headings, [row.values() for row in answer["pairs"]], numbers=(2, 3, 4))
    print(f"{answer['in_all']:,} people are in all of them, {answer['in_any']:,} in any.")


@group.command("export")
def export_segment(
    name: Name,
    people: Annotated[bool, typer.Option("--members", help="The members as CSV instead of the document.")] = False,
    as_json: AsJson = False,
) -> None:
    """The document, as `save` takes it; with --members the people in it as CSV."""
    from pipelines.segments import export_members, load
    from pipelines.state import open_state

    if not people:
        show(name, as_json)
        return
    settings = load_settings()
    engine = open_state(settings)
    load(engine, name)
    text, rows = export_members(
        engine,
        published(settings),
        name,
        settings.now(),
        timezone=settings.reporting_timezone,
        actor=machine_user(),
    )
    if as_json:
        emit({"segment": name, "size": len(rows), "members": rows})
    else:
        print(text, end="")


def _newest(settings: Settings) -> Snapshot | None:
    from pipelines.warehouse import SnapshotReader

    return SnapshotReader(settings.published_dir).current()


def published(settings: Settings) -> Snapshot:
    """The newest snapshot.

    Raises:
        NotPublishedError: nothing was published yet.
    """
    from pipelines.warehouse import SnapshotReader

    return SnapshotReader(settings.published_dir).newest()


def _document(file: Path) -> SegmentDocument:
    from pipelines.segments import parse_segment

    try:
        return parse_segment(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise UsageError(f"there is no file {file}. Nothing was saved.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8. Nothing was saved.") from None


def _named(name: str, settings: Settings) -> SegmentDocument:
    from pipelines.segments import load
    from pipelines.state import open_state

    if name.endswith((".yaml", ".yml", ".json")):
        return _document(Path(name))
    return load(open_state(settings), name)
