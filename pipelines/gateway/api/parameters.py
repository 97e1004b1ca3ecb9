"""What each command takes beside a document: the options of the command line, by their names without dashes.

A name or value that can not be meant is refused with its name. Text that only a room can judge (a day, a currency) is
judged there, so it is refused in the command line's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.documents import path_text
from pipelines.errors import UsageError
from pipelines.revenue import DEFAULT_PROFILE, RatesOf
from pipelines.revenue.asked import Basis, Explained, Grain, Report
from pipelines.revenue.groupings import Group

Text = Annotated[str, Field(max_length=200)]
Page = Annotated[int, Field(ge=1, le=1_000_000, description="Which page; the first is 1.")]
Limit = Annotated[int, Field(ge=1, le=1000, description="Rows of a page.")]
AsOf = Annotated[
    str | None,
    Field(max_length=40, description="Ask for the end of this day, or for a moment; left out: the snapshot's."),
]
Currency = Annotated[str | None, Field(max_length=10, description="Currency of the answer; `native` keeps each.")]
Account = Annotated[str | None, Field(max_length=200, description="One Stripe account; left out: all of them.")]
Profile = Annotated[str, Field(max_length=100, description="Whose definition of recurring revenue.")]


class Parameters(BaseModel):
    """None at all; the base of those that there are."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    in_path: ClassVar[tuple[str, ...]] = ()
    """Those that are parts of the path, in this order."""

    @property
    def names_people(self) -> bool:
        """Whether the answer names people."""
        return False


class Nothing(Parameters):
    """A command without options."""


class OfPeople(Parameters):
    """A command that only tells of people."""

    @property
    def names_people(self) -> bool:
        """Always."""
        return True


class Users(Parameters):
    """A question whose answer can list people."""

    users: bool = Field(False, description="List the ids of the people; needs a role that may see people.")

    @property
    def names_people(self) -> bool:
        """When it is asked to."""
        return self.users


class Revenue(Parameters):
    """`millstream revenue REPORT`."""

    in_path: ClassVar[tuple[str, ...]] = ("report",)

    report: Report
    date_from: str | None = Field(None, alias="from", max_length=40, description="First day; left out: a year back.")
    date_to: str | None = Field(None, alias="to", max_length=40, description="Last day; left out: the last whole day.")
    by: Grain | None = Field(None, description="Length of a period; left out: month.")
    currency: Currency = None
    group: Group | None = Field(
        None, description="Take `mrr` or `movements` apart; by `customer` needs a role that may see people."
    )
    basis: Basis | None = Field(None, description="What `cohorts` are made of: `mrr`, or all `payments`.")
    account: Account = None
    profile: Profile = DEFAULT_PROFILE
    rates_of: RatesOf = Field("day", description="`mrr`: `next_day` takes the rates that Stripe's own report takes.")
    reported_on: str | None = Field(
        None, alias="as_reported", max_length=40, description="`mrr`, `movements`: as published by the end of this day."
    )
    against: int | None = Field(None, description="`diff`: the number of a kept snapshot to compare with.")

    @property
    def names_people(self) -> bool:
        """Taken apart by customer, as `compare`, `diff` and what became known since a report always are."""
        return self.group == "customer" or self.report in ("compare", "diff") or self.reported_on is not None


class Explain(OfPeople):
    """`millstream explain REPORT`. In the body, since a customer is a person."""

    in_path: ClassVar[tuple[str, ...]] = ("report",)

    report: Explained
    at: Text = Field(description="The day, in the reporting time zone.")
    customer: Text | None = Field(None, description="One Stripe customer's rows only (cus_...).")
    currency: Currency = None
    account: Account = None
    profile: Profile = DEFAULT_PROFILE


class Named(Parameters):
    """One campaign."""

    in_path: ClassVar[tuple[str, ...]] = ("name",)

    name: Text


class SegmentShow(OfPeople):
    """`millstream segment show NAME`. A rule may name people: those of a funnel's step are kept as a list."""

    in_path: ClassVar[tuple[str, ...]] = ("name",)

    name: Text


class Preview(Users):
    """`millstream segment preview NAME`; `users` also shows a sample, and the rule in words."""

    in_path: ClassVar[tuple[str, ...]] = ("name",)

    name: Text
    as_of: AsOf = None


class PreviewOf(Users):
    """The same of a document that is not saved."""

    as_of: AsOf = None


class Members(OfPeople):
    """`millstream segment members NAME`."""

    in_path: ClassVar[tuple[str, ...]] = ("name",)

    name: Text
    as_of: AsOf = None
    history: bool = Field(False, description="Tell also who entered and left when, as the runs wrote it down.")


class Overlap(Parameters):
    """`millstream segment overlap NAME NAME`: `?name=a&name=b`."""

    name: list[Text] = Field(min_length=1, max_length=20, description="A saved segment; given twice or more.")
    as_of: AsOf = None


class CampaignReport(Parameters):
    """`millstream campaign report NAME`."""

    in_path: ClassVar[tuple[str, ...]] = ("name",)

    name: Text
    recipients: bool = Field(False, description="Name the recipients, too; needs a role that may see people.")

    @property
    def names_people(self) -> bool:
        """When it is asked to."""
        return self.recipients


class People(OfPeople):
    """`millstream customer list TEXT`. In the body, since the text may be an address."""

    text: Text = Field("", description="Part of a name; or a whole id or address.")
    sort: Text = Field("mrr", description="mrr, lifetime, name, first_seen or last_seen.")
    page: Page = 1
    limit: Limit = 50


class Person(OfPeople):
    """`millstream customer show PERSON`. In the body, since it says who."""

    person: Annotated[str, Field(max_length=320, description="An id, a Stripe customer id or a whole e-mail address.")]
    kind: list[Text] = Field(
        default_factory=list, max_length=10, description="Only payment, mrr, event, mail or segment."
    )
    page: Page = 1
    limit: Limit = 50


Model = TypeVar("Model", bound=Parameters)


def check(model: type[Model], given: Mapping[str, Any]) -> Model:
    """What was given as `model`.

    Raises:
        UsageError: each problem with the name of its parameter, five at most; values are not told.
    """
    try:
        return model.model_validate(given)
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False)[:5]
        told = "; ".join(f"{path_text(one['loc'])[:100]}: {_words(one)}" for one in errors)
        raise UsageError(f"{told}.") from None


def _words(problem: Mapping[str, Any]) -> str:
    match problem["type"]:
        case "extra_forbidden":
            return "there is no such parameter"
        case "missing":
            return "is missing"
        case "literal_error":
            return f"write one of {problem['ctx']['expected'].replace(' or ', ', ')}"
    return str(problem["msg"])
