"""Colours with a meaning, the same on every page, for the light and the dark theme.

Values equal `.streamlit/config.toml` where both have them. Gains are blue and green-blue, losses
orange: never green against red. Order, sign and label always say the same as the colour.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """One theme's colours."""

    background: str
    surface: str
    text: str
    muted: str
    border: str
    accent: str
    good: str
    warning: str
    bad: str
    track: str
    movements: dict[str, str]
    lines: tuple[str, ...]
    """Of lines beside each other, in their order; what is left over is `muted`."""


LIGHT = Palette(
    background="#FFFFFF",
    surface="#F4F6FA",
    text="#161B26",
    muted="#5B6675",
    border="#D5DBE5",
    accent="#2457D6",
    good="#0B7A6F",
    warning="#B45309",
    bad="#B3321A",
    track="#EEF0F3",
    movements={
        "new": "#2457D6",
        "expansion": "#5B8DEF",
        "reactivation": "#0B6B62",
        "contraction": "#D9730D",
        "churn": "#8F2D10",
    },
    lines=("#2457D6", "#D9730D", "#0B7A6F", "#8F2D10", "#7A3FB5", "#B4387F"),
)
DARK = Palette(
    background="#12151C",
    surface="#1B202A",
    text="#E8ECF3",
    muted="#A3AEBD",
    border="#323A48",
    accent="#6F9BFF",
    good="#4CC9B0",
    warning="#F2A65A",
    bad="#FF8F73",
    track="#262C38",
    movements={
        "new": "#5C8DFF",
        "expansion": "#B9CEFF",
        "reactivation": "#2FA893",
        "contraction": "#F9D09A",
        "churn": "#E5603B",
    },
    lines=("#6F9BFF", "#F2A65A", "#4CC9B0", "#E5603B", "#C79BFF", "#F28CC0"),
)


def palette(theme: str | None) -> Palette:
    """The colours of a theme; light where the browser has not told yet."""
    return DARK if theme == "dark" else LIGHT
