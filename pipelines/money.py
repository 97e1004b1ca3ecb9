"""Money: how many decimals a currency has at Stripe, and amounts as text. The one place for both.

Source of the decimals: docs.stripe.com/currencies. Common libraries follow CLDR, which disagrees
for some (RSD has two decimals at Stripe and none in CLDR).
"""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_compact_currency, format_currency, get_currency_symbol

LOCALE = "en_US"
_NO_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
# Counted in hundredths at Stripe although the currency has no smaller unit.
_SHOWN_WHOLE = frozenset(["ISK", "UGX"])


def exponent(currency: str) -> int:
    """Decimals between the major unit and the unit that Stripe counts in."""
    code = currency.upper()
    return 0 if code in _NO_DECIMALS else 3 if code in _THREE_DECIMALS else 2


def major(minor: int | Decimal, currency: str) -> Decimal:
    """An amount in minor units as major units, exactly."""
    return Decimal(minor).scaleb(-exponent(currency))


def minor(amount: Decimal, currency: str) -> Decimal:
    """An amount in major units as minor units, exactly."""
    return amount.scaleb(exponent(currency))


def format_money(minor: int | Decimal | None, currency: str, *, compact: bool = False) -> str:
    """`$1,234.56`, with a real minus sign; `compact` gives `$199.4K`; "–" where there is no amount."""
    if minor is None:
        return "–"
    amount = major(minor, currency)
    if compact and abs(amount) >= 1000:
        text = format_compact_currency(amount, currency, locale=LOCALE, fraction_digits=1)
    else:
        decimals = 0 if currency in _SHOWN_WHOLE else exponent(currency)
        # A code needs a space before the number, a sign does not.
        space = "\N{NO-BREAK SPACE}" if get_currency_symbol(currency, locale=LOCALE).isalpha() else ""
        pattern = f"¤{space}#,##0" + ("." + "0" * decimals if decimals else "")
        text = format_currency(amount, currency, format=pattern, locale=LOCALE, currency_digits=False)
    return text.replace("-", "\N{MINUS SIGN}")


def format_share(fraction: float | Decimal | None) -> str:
    """A fraction as per cent with one decimal; "–" without a base."""
    return "–" if fraction is None else f"{fraction:.1%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")
