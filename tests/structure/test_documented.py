"""Docs, `.env.example` and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.core import TyperGroup

from pipelines.cli.app import app
from pipelines.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = {str(field.validation_alias) for field in Settings.model_fields.values()}


def commands() -> set[str]:
    found: set[str] = set()
    tree = typer.main.get_command(app)
    assert isinstance(tree, TyperGroup)
    for name, command in tree.commands.items():
        inner = command.commands if isinstance(command, TyperGroup) else {}
        found |= {f"{name} {below}" for below in inner} or {name}
    return found


def test_every_setting_is_in_the_example_and_in_the_guide() -> None:
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert example == SETTINGS
    guide = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE))
    assert guide == SETTINGS


def test_the_example_holds_no_value_that_would_change_a_default() -> None:
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    for name, field in Settings.model_fields.items():
        value = given[str(field.validation_alias)]
        if value and name != "data_dir":
            assert str(field.default) == value, name


def test_every_command_in_the_docs_exists() -> None:
    known = commands()
    groups = {name.split()[0] for name in known}
    for path in DOCS:
        for first, second in re.findall(r"millstream ([a-z]+)(?: ([a-z]+))?", path.read_text()):
            assert first in groups, f"{path.name}: millstream {first}"
            if any(name.startswith(f"{first} ") for name in known) and second:
                assert f"{first} {second}" in known, f"{path.name}: millstream {first} {second}"


def test_every_command_that_a_message_names_exists() -> None:
    known = commands()
    groups = {name.split()[0] for name in known}
    for path in [*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "dashboards").rglob("*.py")]:
        for first, second in re.findall(r"`millstream ([a-z]+)(?: ([a-z]+))?", path.read_text()):
            assert first in groups, f"{path.name}: millstream {first}"
            if any(name.startswith(f"{first} ") for name in known) and second:
                assert f"{first} {second}" in known, f"{path.name}: millstream {first} {second}"


def test_every_command_and_option_has_words() -> None:
    tree = typer.main.get_command(app)
    assert isinstance(tree, TyperGroup)
    for name, command in tree.commands.items():
        for inner in command.commands.values() if isinstance(command, TyperGroup) else [command]:
            assert inner.help, name
            for parameter in inner.params:
                assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_links_in_the_docs_lead_somewhere() -> None:
    for path in [*DOCS, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} -> {target}"


def test_every_fault_point_is_in_the_code_once_or_more() -> None:
    from pipelines.faults import POINTS

    code = "".join(path.read_text() for path in (ROOT / "pipelines").rglob("*.py") if path.name != "faults.py")
    used = set(re.findall(r'fault_point\("([a-z_.]+)"\)', code))
    assert used == set(POINTS)
