"""The life of a customer: what each one decides, and when.

Chances depend on the channel, on engagement and on how long somebody has stayed. What a decision does
in Stripe is told in contract.py, cashier.py and purchases.py; clicks and page views in behaviour.py.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pipelines.demo.cashier import Cashier
from pipelines.demo.catalogue import draw_plan
from pipelines.demo.clock import DAY, HOUR, MINUTE
from pipelines.demo.contract import COUNTED, OVER, TRIAL, Contract
from pipelines.demo.desk import Desk
from pipelines.demo.mailing import Sent
from pipelines.demo.purchases import buy_download, delete_customer

Json = dict[str, Any]

ROUTES = ("trial", "direct", "free")
FEEDBACK = ("too_expensive", "unused", "missing_features", "switched_service", "too_complex", "other")
MONTHLY_CHURN, YEARLY_CHURN = 0.055, 0.02
PAUSES = 0.007
# Who comes by a partner or by mail more often has a code in hand.
COUPONS = {"newsletter": 0.34, "referral": 0.3, "social": 0.2}
MONTH = 30 * DAY


class Life:
    """One customer from signing up to the story's end."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self._cashier = desk, Cashier(desk)
        self._contract: Contract | None = None
        self._opened_at = 0
        self._ever_paid = False
        self._takes_mail = desk.consent is not None

    def live(self) -> None:
        """Draw the route and run the agenda to its end."""
        rng, born, agenda = self.desk.rng, self.desk.person.signed_up_at, self.desk.agenda
        pull = self.desk.person.channel.pull
        route = rng.choices(ROUTES, (60 * pull, 14 * pull, 30 / pull))[0]
        if route == "trial":
            soon = rng.random() < 0.7
            agenda.at(born + (rng.randint(2, 90) * MINUTE if soon else rng.randint(HOUR, 9 * DAY)), self._try)
        elif route == "direct":
            agenda.at(born + rng.randint(5 * MINUTE, 3 * DAY), self._subscribe)
        elif rng.random() < 0.015:
            agenda.at(born + rng.randint(3 * DAY, 60 * DAY), self._leave_for_good)
        if rng.random() < 0.1:
            agenda.at(born + round(rng.expovariate(1 / (40 * DAY))) + 10 * MINUTE, self._buy)
        for sent in self.desk.world.mailings.sent:
            if sent.mailing.sent_at > born + DAY:
                agenda.at(sent.mailing.sent_at, self._mailed, sent)
        agenda.run()
        self._close_span(self.desk.books.end)

    def _try(self, at: int) -> None:
        contract = self._open_contract(at, trial=True)
        rng = self.desk.rng
        chance = rng.random() / (self.desk.person.channel.pull * (0.55 + self.desk.person.engagement))
        if chance < 0.24:
            self.desk.agenda.at(at + round(rng.triangular(DAY, 13 * DAY, 4 * DAY)), contract.end_trial_early)
        elif chance > 0.62:
            contract.has_card = rng.random() < 0.5
            if contract.has_card:
                self.desk.agenda.at(at + rng.randint(HOUR, TRIAL - HOUR), contract.request_cancel, self._feedback())

    def _subscribe(self, at: int) -> None:
        self._open_contract(at, trial=False)

    def _open_contract(self, at: int, trial: bool) -> Contract:
        plan, interval, quantity = draw_plan(self.desk.rng)
        currency = self.desk.person.country.currency
        price = self.desk.catalogue.price(plan, interval, currency, at)
        if self.desk.customer["currency"] is None:
            self.desk.books.change(self.desk.customer, at, "customer.updated", currency=currency)
        contract = Contract(self.desk, self._cashier, self._changed)
        self._contract = contract
        coupon = self.desk.rng.random() < COUPONS.get(self.desk.person.channel.name, 0.12)
        contract.start(at, price, quantity, trial, coupon)
        return contract

    def _changed(self, at: int, before: str) -> None:
        """Write the diary after every change of the contract, and think ahead at the turning points."""
        contract = self._contract
        assert contract is not None
        status = contract.status
        self.desk.diary.mrr.append(
            (at, _mrr(contract) if status in COUNTED and not contract.is_paused else Fraction(0))
        )
        if status == before:
            return
        if status == "trialing":
            self._mark(at, "Trial Started", contract)
            self._opened_at = at
        elif status == "active" and before in ("trialing", "incomplete"):
            self._mark(at, "Subscription Started", contract)
            self._opened_at = at if before == "incomplete" else self._opened_at
            self._ever_paid = True
            self.desk.agenda.at(at + self.desk.rng.randint(DAY, 20 * DAY), self._think, contract)
        elif status in OVER:
            self._close_span(at)
            self._maybe_return(at, contract)

    def _mark(self, at: int, name: str, contract: Contract) -> None:
        price = contract.item["price"]
        details = {
            "plan": self.desk.catalogue.name_of(price), "interval": price["recurring"]["interval"],
            "quantity": contract.item["quantity"], "currency": price["currency"].upper(),
        }  # fmt: skip
        self.desk.diary.milestones.append((at, name, details))

    def _close_span(self, at: int) -> None:
        if self._opened_at:
            self.desk.diary.spans.append((self._opened_at, at))
            self._opened_at = 0

    def _maybe_return(self, at: int, contract: Contract) -> None:
        reason = contract.sub["cancellation_details"]["reason"]
        chance = 0.3 if reason == "payment_failed" else 0.16
        if self._ever_paid and self.desk.rng.random() < chance:
            self.desk.agenda.at(at + self.desk.rng.randint(12 * DAY, 150 * DAY), self._subscribe)

    def _think(self, at: int, contract: Contract) -> None:
        """Once a month a subscriber may leave, upgrade, or change seats."""
        if contract.status in OVER:
            return
        rng, agenda = self.desk.rng, self.desk.agenda
        agenda.at(at + MONTH, self._think, contract)
        moment = at + rng.randint(HOUR, 27 * DAY)
        price = contract.item["price"]
        base = YEARLY_CHURN if price["recurring"]["interval"] == "year" else MONTHLY_CHURN
        young = 1.35 if at - contract.sub["start_date"] < 120 * DAY else 0.85
        if rng.random() < base * young * (1.75 - 1.5 * self.desk.person.engagement):
            self._leave(moment, contract)
        elif price["recurring"]["interval"] == "month" and rng.random() < PAUSES:
            agenda.at(moment, contract.plan_pause, rng.randint(1, 3))
        else:
            self._change(moment, contract, self.desk.catalogue.name_of(price))

    def _leave(self, moment: int, contract: Contract) -> None:
        rng, agenda = self.desk.rng, self.desk.agenda
        if rng.random() < 0.22:
            agenda.at(moment, contract.cancel, "cancellation_requested", self._feedback())
            return
        agenda.at(moment, contract.request_cancel, self._feedback())
        if rng.random() < 0.08:
            agenda.at(moment + rng.randint(HOUR, 6 * DAY), contract.keep_after_all)

    def _change(self, moment: int, contract: Contract, plan: str) -> None:
        rng, agenda = self.desk.rng, self.desk.agenda
        if plan == "Starter" and rng.random() < 0.035 + 0.03 * self.desk.person.engagement:
            agenda.at(moment, self._switch_plan, contract, "Pro")
        elif plan == "Pro" and rng.random() < 0.012:
            agenda.at(moment, self._switch_plan, contract, "Starter")
        elif plan == "Team" and rng.random() < 0.2:
            # A few teams count their seats every other day, which makes invoices of more than ten lines.
            times = rng.randint(6, 9) if rng.random() < 0.15 else 1
            for number in range(times):
                agenda.at(moment + number * 2 * DAY, self._change_seats, contract, rng.random())

    def _switch_plan(self, at: int, contract: Contract, plan: str) -> None:
        price = contract.item["price"]
        new = self.desk.catalogue.price(plan, price["recurring"]["interval"], price["currency"], at)
        if contract.sub["discounts"] or (plan == "Starter" and self.desk.rng.random() < 0.6):
            contract.plan_change(at, new)
            return
        upgrade = new["unit_amount"] > price["unit_amount"]
        contract.change_item(at, new, 1, immediate=upgrade and self.desk.rng.random() < 0.5)

    def _change_seats(self, at: int, contract: Contract, draw: float) -> None:
        quantity = contract.item["quantity"] + (1 if draw < 0.5 else 2 if draw < 0.65 else -1)
        if quantity >= 2:
            contract.change_item(at, contract.item["price"], quantity, immediate=False)

    def _buy(self, at: int) -> None:
        buy_download(self.desk, self._cashier, at)
        if self.desk.rng.random() < 0.2:
            self.desk.agenda.at(at + self.desk.rng.randint(DAY, 120 * DAY), self._buy)

    def _mailed(self, at: int, sent: Sent) -> None:
        """A campaign goes out: whoever agreed to mail and has no plan is in its audience."""
        has_plan = self._contract is not None and self._contract.status not in OVER
        if not self._takes_mail or has_plan or self.desk.customer.get("deleted"):
            return
        reaction = self.desk.world.mailings.send(sent, self.desk.person, self.desk.rng)
        self._takes_mail = not reaction.is_lost
        if reaction.clicked_at is None:
            return
        self.desk.diary.clicked.append((reaction.clicked_at, sent.mailing))
        if reaction.buys:
            moment = reaction.clicked_at + self.desk.rng.randint(2, 25) * MINUTE
            self.desk.agenda.at(moment, self._buy_offered, sent.mailing.product)

    def _buy_offered(self, at: int, product: str) -> None:
        buy_download(self.desk, self._cashier, at, product)

    def _leave_for_good(self, at: int) -> None:
        if self._contract is None and not self.desk.diary.paid:
            delete_customer(self.desk, at)

    def _feedback(self) -> str:
        return self.desk.rng.choice(FEEDBACK)


def _mrr(contract: Contract) -> Fraction:
    """What the contract is worth in a month; of the coupons only one that never ends lowers it."""
    price = contract.item["price"]
    months = 12 if price["recurring"]["interval"] == "year" else 1
    amount = Fraction(price["unit_amount"] * contract.item["quantity"])
    deal = contract.deal
    return (deal.left(amount) if deal is not None and deal.is_for_good else amount) / months
