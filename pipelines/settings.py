"""Every setting, in one typed place: the environment first, then `.env`, then the default.

Names without a prefix are the ecosystem's own; ours begin with MILLSTREAM_. The folders inside the
data folder are derived here, so that nobody else spells a path. Nothing is read at import.
"""

from __future__ import annotations

import getpass
import json
import os
import re
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.errors import UsageError

DEMO_MARKER = "demo.json"


def is_zone(name: str) -> bool:
    """Whether every part of the product knows this zone (`localtime` is one to Python alone)."""
    return name in available_timezones() and name not in ("localtime", "Factory", "posixrules")


def machine_user() -> str:
    """Who has this machine's shell, as command line and pages name them: one person, whichever way they come.

    In a container the user may have no name.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def _listed(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


class Settings(BaseSettings):
    """What the product was told. Frozen: a different setting is a different object."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    data_dir: Path = Field(Path("data"), validation_alias="MILLSTREAM_DATA_DIR")
    state_url_setting: str | None = Field(None, validation_alias="MILLSTREAM_STATE_URL")
    tracking_plan_setting: Path | None = Field(None, validation_alias="MILLSTREAM_TRACKING_PLAN")
    reporting_timezone: str = Field("UTC", validation_alias="MILLSTREAM_REPORTING_TIMEZONE")
    reporting_currency: str = Field("USD", validation_alias="MILLSTREAM_REPORTING_CURRENCY")

    rates: str | None = Field(None, validation_alias="MILLSTREAM_RATES")

    stripe_api_key: SecretStr | None = Field(None, validation_alias="STRIPE_API_KEY")
    stripe_accounts_setting: str = Field("default", validation_alias="MILLSTREAM_STRIPE_ACCOUNTS")
    stripe_webhook_secret: SecretStr | None = Field(None, validation_alias="STRIPE_WEBHOOK_SECRET")
    stripe_api_base: str | None = Field(None, validation_alias="STRIPE_API_BASE")
    stripe_offers_key: SecretStr | None = Field(None, validation_alias="MILLSTREAM_STRIPE_OFFERS_KEY")
    stripe_mode: Literal["auto", "live", "test"] = Field("auto", validation_alias="MILLSTREAM_STRIPE_MODE")

    mailer: Literal["outbox", "sendgrid", "smtp"] = Field("outbox", validation_alias="MILLSTREAM_MAILER")
    send_mode: Literal["dry", "live"] = Field("dry", validation_alias="MILLSTREAM_SEND_MODE")
    sendgrid_api_key: SecretStr | None = Field(None, validation_alias="SENDGRID_API_KEY")
    sendgrid_api_base: str = Field("https://api.sendgrid.com", validation_alias="SENDGRID_API_BASE")
    sendgrid_unavailable: Literal["ambiguous", "retry"] = Field(
        "ambiguous", validation_alias="MILLSTREAM_SENDGRID_UNAVAILABLE"
    )
    smtp_url: SecretStr | None = Field(None, validation_alias="MILLSTREAM_SMTP_URL")
    mailer_seconds: float = Field(30, ge=0.05, le=600, validation_alias="MILLSTREAM_MAILER_SECONDS")
    consent: Literal["required", "customers"] = Field("required", validation_alias="MILLSTREAM_CONSENT")
    global_holdout: float = Field(0, ge=0, lt=1, validation_alias="MILLSTREAM_GLOBAL_HOLDOUT")
    approval_above: int = Field(10_000, ge=0, validation_alias="MILLSTREAM_APPROVAL_ABOVE")
    campaign_max_age: str = Field("26h", pattern=r"^\d{1,4}[mhdw]$", validation_alias="MILLSTREAM_CAMPAIGN_MAX_AGE")
    from_email: str = Field("hello@example.com", validation_alias="MILLSTREAM_FROM_EMAIL")
    postal_address: str = Field("", validation_alias="MILLSTREAM_POSTAL_ADDRESS")
    public_url: str = Field("http://127.0.0.1:8000", validation_alias="MILLSTREAM_PUBLIC_URL")
    secret_key: SecretStr | None = Field(None, validation_alias="MILLSTREAM_SECRET_KEY")
    sendgrid_webhook_public_key: str | None = Field(None, validation_alias="SENDGRID_WEBHOOK_PUBLIC_KEY")

    api_workers: int = Field(2, ge=1, le=64, validation_alias="MILLSTREAM_API_WORKERS")
    api_seconds: float = Field(30, ge=1, le=3600, validation_alias="MILLSTREAM_API_SECONDS")

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("reporting_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if not is_zone(value):
            raise ValueError("there is no such time zone; write one like Europe/Berlin")
        return value

    @field_validator("reporting_currency")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()

    @field_validator("stripe_accounts_setting")
    @classmethod
    def _account_ids(cls, value: str) -> str:
        if not all(re.fullmatch(r"default|acct_\w+", account) for account in _listed(value)) or not _listed(value):
            raise ValueError("write account ids (acct_...) with commas between them; default is the key's own account")
        return value

    @property
    def stripe_accounts(self) -> tuple[str, ...]:
        """The Stripe accounts that a sync reads, each once; `default` is the key's own."""
        return _listed(self.stripe_accounts_setting)

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state store; a SQLite file in the data folder unless told otherwise."""
        return self.state_url_setting or f"sqlite:///{self.data_dir / 'state.sqlite'}"

    @property
    def tracking_plan(self) -> Path:
        """The plan of known events; the file need not exist."""
        return (self.tracking_plan_setting or self.data_dir / "tracking_plan.yml").expanduser().resolve()

    @property
    def landing_dir(self) -> Path:
        """Raw input as it came."""
        return self.data_dir / "landing"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file; only `pipelines.warehouse` and the dbt child open it."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def lake_dir(self) -> Path:
        """Deduplicated events, day by day."""
        return self.data_dir / "lake"

    @property
    def published_dir(self) -> Path:
        """Numbered snapshots: what readers open."""
        return self.data_dir / "published"

    @property
    def outbox_dir(self) -> Path:
        """Mails of the local mailer."""
        return self.data_dir / "outbox"

    @property
    def quarantine_dir(self) -> Path:
        """Bad input with file, line and reason."""
        return self.data_dir / "quarantine"

    @property
    def inbox_dir(self) -> Path:
        """Files dropped here are loaded by the sensor."""
        return self.data_dir / "inbox"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own home."""
        return self.data_dir / "dagster"

    @property
    def logs_dir(self) -> Path:
        """Logs of the services."""
        return self.data_dir / "logs"

    @property
    def demo_dir(self) -> Path:
        """The demo's own input: the fake Stripe's objects and the event files."""
        return self.data_dir / "business"

    @cached_property
    def demo(self) -> dict[str, object] | None:
        """The demo's marker, or None in a folder that holds real data."""
        try:
            found: dict[str, object] = json.loads((self.data_dir / DEMO_MARKER).read_text())
        except FileNotFoundError:
            return None
        return found

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a child that runs in another folder."""
        found: dict[str, str] = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is not None:
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                found[str(field.validation_alias)] = text
        return found

    def now(self) -> datetime:
        """This moment in UTC; in a demo folder, the moment at which its story ends."""
        if self.demo is not None:
            return datetime.fromisoformat(str(self.demo["until"]))
        return datetime.now(UTC)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        UsageError: a value that cannot be meant, with the variable named and the value left out.
    """
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        raise UsageError(
            f"setting {name} is wrong: {first['msg'].removeprefix('Value error, ')}. Nothing was changed."
        ) from None
