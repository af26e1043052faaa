"""Tables of what trials say, as DataFrames: three significant digits, what matters first, verdicts as words of a column."""

from sim2real.figures.tables.arms import (  # noqa: I001
    arms, by_n, explained, found, ranked, sets, sets_by_n, several_m, similarity_verdict, simulators,
)  # fmt: skip
from sim2real.figures.tables.design import allocations, policies, prospects
from sim2real.figures.tables.errors import (
    beside_paper, class_gains, class_verdicts, correlations, held_back, interactions, parities, rates, scaling, sizes, splits,
    surfaces,
)  # fmt: skip

__all__ = [
    "allocations", "arms", "beside_paper", "by_n", "class_gains", "class_verdicts", "correlations", "explained", "found",
    "held_back", "interactions", "parities", "policies", "prospects", "ranked", "rates", "scaling", "sets", "sets_by_n",
    "several_m", "similarity_verdict", "simulators", "sizes", "splits", "surfaces",
]  # fmt: skip
