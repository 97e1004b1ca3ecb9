"""The people of the demo: who they are, where they live, and how they found Northwind Digital.

Names are common first and last names joined at random; addresses end in example.com, example.org
or example.net, which belong to nobody. What people do is told elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pipelines.demo.names import FIRST_NAMES, LAST_NAMES


@dataclass(frozen=True)
class Country:
    """A country with its share of customers, billing currency, sales tax in percent and UTC offset."""

    code: str
    weight: float
    currency: str
    tax_percent: int
    utc_offset: int


@dataclass(frozen=True)
class Channel:
    """Where a visitor comes from. `pull` scales the chance that a trial becomes a subscription."""

    name: str
    weight: float
    referrer: str
    campaign: dict[str, str] | None
    pull: float


@dataclass(frozen=True)
class Person:
    """One future customer. `engagement` (0..1) drives use, conversion and loyalty alike."""

    number: int
    user_id: str
    anonymous_id: str
    first_name: str
    last_name: str
    email: str
    country: Country
    channel: Channel
    engagement: float
    signed_up_at: int


COUNTRIES = (
    Country("US", 40, "usd", 0, -6), Country("CA", 5, "usd", 0, -5), Country("GB", 7, "usd", 0, 0),
    Country("AU", 4, "usd", 0, 10), Country("BR", 3, "usd", 0, -3), Country("IN", 4, "usd", 0, 5),
    Country("DE", 11, "eur", 19, 1), Country("FR", 7, "eur", 20, 1), Country("NL", 4, "eur", 21, 1),
    Country("ES", 4, "eur", 21, 1), Country("IT", 3, "eur", 22, 1), Country("JP", 8, "jpy", 10, 9),
)  # fmt: skip


def _utm(source: str, medium: str, name: str) -> dict[str, str]:
    return {"source": source, "medium": medium, "name": name}


CHANNELS = (
    Channel("organic", 34, "https://www.google.com/", None, 1.05),
    Channel("direct", 20, "", None, 1.1),
    Channel("paid search", 17, "https://www.google.com/", _utm("google", "cpc", "brand-search"), 0.9),
    Channel("social", 12, "https://www.linkedin.com/", _utm("linkedin", "social", "how-to-series"), 0.75),
    Channel("newsletter", 9, "", _utm("newsletter", "email", "monthly-digest"), 1.15),
    Channel("referral", 8, "https://partner.example.org/", _utm("partner", "referral", "partners"), 1.3),
)


def draw_channel(rng: Random) -> Channel:
    """A channel by its weight."""
    return rng.choices(CHANNELS, [channel.weight for channel in CHANNELS])[0]


def draw_country(rng: Random) -> Country:
    """A country by its weight."""
    return rng.choices(COUNTRIES, [country.weight for country in COUNTRIES])[0]


def draw_person(rng: Random, number: int, signed_up_at: int) -> Person:
    """The person who signs up as number `number` (from 1) at that second."""
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    domain = rng.choices(("com", "org", "net"), (6, 2, 2))[0]
    return Person(
        number=number,
        user_id=f"usr_{number:06d}",
        anonymous_id=f"anon-{rng.getrandbits(64):016x}",
        first_name=first,
        last_name=last,
        email=f"{first}.{last}.{number}@example.{domain}".lower(),
        country=draw_country(rng),
        channel=draw_channel(rng),
        engagement=rng.betavariate(2.2, 2.0),
        signed_up_at=signed_up_at,
    )
