"""The tree of commands; nothing else happens here."""

from __future__ import annotations

import typer

from pipelines.cli import (
    build,
    campaign,
    consent,
    customer,
    demo,
    doctor,
    explain,
    funnel,
    ingest,
    revenue,
    run,
    segment,
    serve,
    source,
    suppression,
    user,
    version,
)

app = typer.Typer(
    name="millstream",
    help="Payments and events in; funnels, revenue, segments and campaigns out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    demo,
    serve,
    run,
    ingest,
    source,
    build,
    funnel,
    revenue,
    explain,
    segment,
    campaign,
    consent,
    suppression,
    customer,
    doctor,
    user,
    version,
):
    module.register(app)
