"""How often intervals of the chi predictor hold what no network of it saw, by what is new: trained anew for each tested part.

    python benchmarks/coverage_chi.py [EDITION [SIMULATOR [PARTS [MEMBERS]]]]     # open cosmo 3 4

Of ten parts of all molecules and pairs, each part is left out with its simulations, and a predictor is trained and calibrated
on the rest. Takes about a minute of one core a part.
"""

from __future__ import annotations

import sys

from sim2real.studies.cases import load_study
from sim2real.studies.predictor import Predictor


def main(edition: str = "open", simulator: str = "cosmo", parts: str = "3", members: str = "4") -> None:
    study = load_study("pairs", edition, simulator=simulator)
    print(Predictor.held_out_coverage(study, folds=int(parts), members=int(members)).round(3).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
