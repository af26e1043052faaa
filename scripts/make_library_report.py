"""Make data/library_report.csv: the virtual library of the N-gram models as a table, class by class.

    python scripts/make_library_report.py                # all of it, writes the table
    python scripts/make_library_report.py --compare      # and prints a comparison with rule-made units
    python scripts/make_library_report.py --choose       # prints what order and number of writings do, writes nothing
    python scripts/make_library_report.py --edition open # learns from the public units instead, writes nothing

--compare also reads the polymers that the package smipoly makes (M. Ohno et al., J. Chem. Inf. Model. 63, 5539 (2023);
pip install smipoly==1.1.2, not needed otherwise), and RadonPy's units as a sample of real polymers where
SIM2REAL_DATA_MIRROR names a folder that holds radonpy/PI1070.csv.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor
from rdkit.DataStructs import BulkTanimotoSimilarity
from virtual_polymers.monomers import molecules

from sim2real.chemistry.classes import polymer_class
from sim2real.chemistry.fingerprints import fingerprints
from sim2real.chemistry.library.grow import CLASSES, grow_library, internal_diversity
from sim2real.chemistry.simulators.polymer import simulate_polymers
from sim2real.chemistry.structures import StructureError, structure_key
from sim2real.datasets.embedded import load_virtual_polymers, sample_balanced
from sim2real.datasets.paths import DATA
from sim2real.datasets.polymers import known_units

TABLE = DATA / "library_report.csv"
PER_CLASS = 2_600
CHOICES = ((4, 4), (6, 4), (9, 1), (9, 2), (9, 4), (12, 4))  # order, writings
CHOICE_CLASSES = ("P01", "P04", "P07", "P09", "P13", "P16", "P18", "P21")
CHOICE_UNITS = 200  # of each class
COMPARED = 2_000  # units of each library
SIMILAR = (0.4, 0.6, 0.8)
SMIPOLY_MOLECULES = 300  # beside the comonomers; smipoly pairs all with all


def cpu_seconds() -> float:
    """Processor time of this process and its workers, which are ended so that they count."""
    get_reusable_executor().shutdown(wait=True)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def choose(known: pd.DataFrame, workers: int) -> None:
    """What the order and the number of writings do, over some classes."""
    for order, writings in CHOICES:
        _, report = grow_library(known, CHOICE_UNITS, workers=workers, order=order, writings=writings, classes=CHOICE_CLASSES)
        means = report.drop(columns=["polymer_class", "name", "training_units"]).mean().round(3)
        print(f"order {order:2d}, writings {writings}: {means.to_dict()}", flush=True)


def similarities(prints: list, others: list, among: bool = False) -> np.ndarray:
    """Similarity of each fingerprint to the nearest of the others; ``among`` says that it is one of them itself."""
    rank = -2 if among else -1
    return np.array([np.partition(BulkTanimotoSimilarity(f, others), rank)[rank] for f in prints])


def describe(name: str, units: list[str], reference: list, real: list, among: bool = False) -> dict[str, object]:
    """One row of the comparison."""
    prints = fingerprints(units)
    near = similarities(prints, reference, among)
    simulated = simulate_polymers(units)
    found = similarities(real, prints) if real else np.array([np.nan])
    return {
        "library": name,
        "units": len(units),
        "classes": pd.Series([polymer_class(s) for s in units]).nunique(),
        "diversity": internal_diversity(prints[:1000]),
        "failed simulations": len(simulated.attrs["failed"]),
        "mean density": simulated["density"].mean(),
        "mean index": simulated["refractive_index"].mean(),
        **{f"known unit within {s}": (near >= s).mean() for s in SIMILAR},
        **{f"real unit within {s}": (found >= s).mean() for s in SIMILAR},
    }


def compare(library: pd.DataFrame, known: pd.DataFrame) -> None:
    """The libraries side by side, on samples of equal size that are balanced over the classes."""
    reference = fingerprints(known["smiles"])
    mirror = os.environ.get("SIM2REAL_DATA_MIRROR")
    real = real_units(Path(mirror)) if mirror else []
    rules = load_virtual_polymers()
    rules = rules[rules["polymer_class"].isin(CLASSES)]
    rows = [
        describe("N-gram", sample_balanced(library, COMPARED)["smiles"].tolist(), reference, real),
        describe("rule-made", sample_balanced(rules, COMPARED)["smiles"].tolist(), reference, real, True),
    ]
    made = smipoly_units(set(known["smiles"]))
    if made is not None:
        made = made[made["polymer_class"].isin(CLASSES)]
        rows.append(describe("smipoly", sample_balanced(made, min(COMPARED, len(made)))["smiles"].tolist(), reference, real))
    print(pd.DataFrame(rows).set_index("library").T.to_string(float_format="{:.3f}".format))


def real_units(mirror: Path) -> list:
    """Fingerprints of RadonPy's units, most of them known polymers."""
    found = []
    for text in pd.read_csv(mirror / "radonpy" / "PI1070.csv")["smiles"]:
        try:
            found.append(structure_key(text))
        except StructureError:
            continue  # isotope labels
    print(f"{len(found)} units of RadonPy's table stand for real polymers")
    return fingerprints(found)


def smipoly_units(known: set[str]) -> pd.DataFrame | None:
    """What smipoly makes of this project's comonomers and some molecules; None where it is not installed."""
    try:
        from smipoly.smip import monc, polg
    except ImportError:
        print("smipoly is not installed; pip install smipoly==1.1.2 to have it compared")
        return None
    monomers = [*pd.read_csv(DATA / "comonomers.csv")["smiles"], *(m.smiles for m in molecules(SMIPOLY_MOLECULES))]
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its use of pandas is deprecated
        # monomers with more than two groups of a kind give it units with more than two attachment points
        classified = monc.moncls(pd.DataFrame({"SMILES": list(dict.fromkeys(monomers))}), "SMILES", minFG=2, maxFG=2)
        made = polg.biplym(classified)["polym"].tolist()
    keys, refused = set(), 0
    for text in made:
        try:
            keys.add(structure_key(text))
        except StructureError:
            refused += 1
    frame = pd.DataFrame({"smiles": sorted(keys)})
    frame["polymer_class"] = [polymer_class(s) for s in frame["smiles"]]
    print(
        f"smipoly: {len(set(monomers))} monomers, {len(made)} polymers in {time.process_time() - start:.0f} s, "
        f"{refused} not valid, {len(keys)} distinct, {len(keys - known)} of them not among the known units; "
        f"classes {frame['polymer_class'].value_counts().to_dict()}"
    )
    return frame


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-class", type=int, default=PER_CLASS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--edition", choices=("embedded", "open"), default="embedded")
    args = parser.parse_args()
    known = known_units(args.edition)
    classes = [code for code in CLASSES if code in set(known["polymer_class"])]
    if args.choose:
        choose(known, args.workers)
        return 0
    wall, cpu = time.perf_counter(), cpu_seconds()
    library, report = grow_library(known, args.per_class, args.seed, args.workers, classes=classes)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    print(report.round(3).to_string(index=False))
    yielding = (report["kept"] > 0).sum()
    print(
        f"{len(library)} distinct units of {yielding} classes, {wall:.0f} s on {args.workers} processes, {cpu:.0f} s of processors"
    )
    if args.edition == "embedded":
        report.round(4).to_csv(TABLE, index=False, lineterminator="\n")
    if args.compare:
        compare(library, known)
    return 0


if __name__ == "__main__":
    sys.exit(main())
