"""Tables of what trials say: a function takes nouns of :mod:`sim2real.laws` or their dictionaries and returns a DataFrame.

Three significant digits, a value and its standard error in one column, what matters first, verdicts as words of a column.
"""

from sim2real.figures.tables.arms import arms, explained, found, ranked, sets, sets_by_n, several_m, similarity_verdict, simulators
from sim2real.figures.tables.errors import (
    beside_paper,
    by_n,
    class_gains,
    class_verdicts,
    correlations,
    held_back,
    interactions,
    parities,
    rates,
    scaling,
    sizes,
    splits,
    surfaces,
)

__all__ = [
    "arms", "beside_paper", "by_n", "class_gains", "class_verdicts", "correlations", "explained", "found", "held_back",
    "interactions", "parities", "ranked", "rates",
    "scaling", "sets", "sets_by_n", "several_m", "similarity_verdict", "simulators", "sizes", "splits", "surfaces",
]  # fmt: skip
