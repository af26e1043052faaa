"""What to buy next: the best split of a budget against a search of every whole number, its intervals, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from sim2real.laws.design import Prices, expected, whole_split

# A, alpha, beta1, B, beta2, epsilon: the paper's Eq. 3, one without B, two with exponents of their own, one flat in n
LAWS = {
    "paper": (0.338, 0.265, 0.239, 0.0192, 0.239, 0.0535),
    "no gap": (1.0, 0.3, 0.2, 0.0, 0.2, 0.0),
    "own exponents": (0.4, 0.2, 0.05, 0.3, 0.4, 0.01),
    "flat in n": (0.0, 0.0, 0.0, 0.5, 0.3, 0.02),
    "flat in m": (0.5, 0.3, 0.0, 0.0, 0.0, 0.02),
}


def by_grid(law, prices, budget, have):
    """Every m, with all of the rest in simulations: the least error."""
    m = np.arange(have[1], int((budget - prices.simulation * have[0]) // prices.measurement) + 1)
    n = (budget - prices.measurement * m) // prices.simulation
    errors = expected(np.array(law), n, m)
    return errors.min()


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("ratio", [0.3, 10.0, 250.0])
def test_the_best_split_is_that_of_a_search_of_every_whole_number(law, ratio):
    prices, have = Prices(2.0, 2.0 * ratio), (120, 30)
    budget = prices.of(*have) + 20_000.0
    n, m = whole_split(np.array(law), prices, budget, have)
    assert n >= have[0] and m >= have[1] and prices.of(n, m) <= budget
    assert float(expected(np.array(law), n, m)) <= by_grid(law, prices, budget, have) * (1 + 1e-5), (
        "but for what whole numbers leave over"
    )
