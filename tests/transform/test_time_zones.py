"""The seed of time zones against the database that it was taken from."""

from __future__ import annotations

import csv
from importlib.resources import files

from pipelines.settings import is_zone
from pipelines.transform import PROJECT_DIR

# The first zone of these in zone.tab is an island, an enclave or a corner.
MOST_PEOPLE = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
}


def told():
    with (PROJECT_DIR / "seeds" / "time_zones.csv").open(newline="") as lines:
        return {row["timezone"]: row["country"] for row in csv.DictReader(lines)}


def test_every_name_of_the_database_is_a_zone_and_no_other():
    names = set((files("tzdata") / "zones").read_text().split()) - {"Factory"}
    assert set(told()) == names
    assert [name for name in names if not is_zone(name)] == []


def test_a_country_has_the_first_of_its_zones_or_the_one_with_most_people():
    first: dict[str, str] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            first.setdefault(country, zone)
    assert {country: zone for zone, country in told().items() if country} == first | MOST_PEOPLE
    assert len(first) > 240
