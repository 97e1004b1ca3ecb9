"""The bodies of signing in, under the names that OAuth 2 gives them, and what they are answered."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from pipelines.gateway.api.parameters import Parameters


class Credentials(Parameters):
    """Who signs in."""

    username: str = Field(max_length=200, description="As `millstream user list` shows it.")
    password: SecretStr = Field(max_length=1000)


class Renewal(Parameters):
    """What renews a sign-in, once."""

    refresh_token: SecretStr = Field(max_length=200)


class Signed(BaseModel):
    """Both tokens; each is told this once."""

    access_token: str = Field(description="Opens the API: `Authorization: Bearer ...`.")
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")
    refresh_token: str = Field(description="Gives another pair, once, at `/v1/auth/refresh`.")
    refresh_expires_in: int = Field(description="Seconds.")


class Problem(BaseModel):
    """Why there is no answer, and what to do."""

    error: str
