"""Public holidays by country, from the package `holidays`: computed once, when a configuration is loaded."""

from datetime import date
from functools import cache

YEARS = range(2000, 2061)
"""What can be replayed, and what a deployment may live to see."""


@cache
def public_holidays(country: str) -> tuple[date, ...] | None:
    """The holidays of all `YEARS`; ``country`` as in ``brands.toml``: NL, DE-BY. None: the package does not know it."""
    # Imported here: half a second and 40 MB, which a deployment without countries need not pay.
    from holidays import country_holidays

    code, _, part = country.partition("-")
    try:
        return tuple(sorted(country_holidays(code, subdiv=part or None, years=YEARS)))
    except NotImplementedError:
        return None
