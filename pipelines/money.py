"""Money for people: minor units and a currency to text. The one place that formats an amount."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_compact_currency, format_currency, get_currency_precision

LOCALE = "en_US"
# Stripe keeps two decimals for these although the currencies have none (docs.stripe.com/currencies).
_STRIPE_EXPONENTS = {"ISK": 2, "UGX": 2}


def exponent(currency: str) -> int:
    """Decimals between Stripe's minor unit and the major unit."""
    return _STRIPE_EXPONENTS.get(currency, get_currency_precision(currency))


def major(minor: int | Decimal, currency: str) -> Decimal:
    """The amount in major units, exactly."""
    return Decimal(minor).scaleb(-exponent(currency))


def format_money(minor: int | Decimal | None, currency: str, *, compact: bool = False) -> str:
    """`$1,234.56`, with a real minus sign; `compact` gives `$199.4K`; "–" where there is no amount."""
    if minor is None:
        return "–"
    amount = major(minor, currency)
    if compact and abs(amount) >= 1000:
        text = format_compact_currency(amount, currency, locale=LOCALE, fraction_digits=1)
    else:
        text = format_currency(amount, currency, locale=LOCALE)
    return text.replace("-", "\N{MINUS SIGN}")


def format_share(fraction: float | Decimal | None) -> str:
    """A fraction as per cent with one decimal; "–" without a base."""
    return "–" if fraction is None else f"{fraction:.1%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")
