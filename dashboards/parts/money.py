"""Money on tiles and axes; full amounts come from `pipelines.money`, the one place that formats them."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_compact_currency, get_currency_symbol

from pipelines.money import LOCALE, exponent, format_money, major

__all__ = ["compact_money", "exponent", "major", "money", "short_money", "tick_money"]

MINUS = "\N{MINUS SIGN}"
COMPACT_FROM = 10_000
money = format_money


def compact_money(minor: int | None, currency: str) -> str:
    """A short amount for tiles: `$9,412.50`, `$199.4K`, `¥1.2M`; a dash for None."""
    is_large = minor is not None and abs(major(minor, currency)) >= COMPACT_FROM
    return format_money(minor, currency, compact=is_large)


def short_money(minor: int, currency: str) -> str:
    """An amount for a bar on a phone, without small change: `$1.3K`, `−$308`."""
    whole = major(minor, currency)
    return money(minor, currency, compact=True) if abs(whole) >= 1_000 else tick_money(float(round(whole)), currency)


def tick_money(value: float, currency: str) -> str:
    """An axis label for `value` major units, as short as it can be: `$20K`, `−$2.5K`, `$0`."""
    size = Decimal(str(abs(value)))
    if size >= 1_000:
        text = format_compact_currency(size, currency, locale=LOCALE, fraction_digits=_digits(size))
    else:
        text = f"{get_currency_symbol(currency, locale=LOCALE)}{size.normalize():,f}"
    return f"{MINUS}{text}" if value < 0 else text


def _digits(size: Decimal) -> int:
    """Decimals that `size` needs in thousands, millions, ...: `$2.5K` but `$20K`."""
    while size >= 1_000:
        size /= 1_000
    return max(0, -int(size.normalize().as_tuple().exponent))
