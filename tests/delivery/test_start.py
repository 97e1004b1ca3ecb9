"""The sender's process begins in about a second, because little comes with it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("dagster", "streamlit", "dbt", "great_expectations", "scipy", "pandas", "polars", "pyarrow", "alembic", "mjml")
LOADED = f"""
import sys
import pipelines.cli.campaign, pipelines.delivery, pipelines.mail.sendgrid
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_the_sender_imports_neither_dagster_nor_pages_nor_data_frames():
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
