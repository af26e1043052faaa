"""Make data/transport.csv.gz: computed electronic transport of inorganic compounds, from the table that matminer ships.

    pip install matminer==0.10.1
    python scripts/make_transport_table.py            # writes data/transport.csv.gz
    python scripts/make_transport_table.py --check    # exit status 1 if the committed table would change

The table is that of F. Ricci et al., "An ab initio electronic transport database for inorganic materials", Sci. Data 4, 170085
(2017): Boltzmann transport (BoltzTraP) on the band structures of the Materials Project at 300 K, with 1e18 electrons (columns
ending in ``_n``) or holes (``_p``) per cm3, averaged over directions. BoltzTraP knows conductivities per relaxation time; they
are multiplied here by one constant, 1e-14 s, for every compound.

matminer does not say in which units the columns are. They follow from the file itself: the conductivity mass of the same row
is n e^2 tau / sigma, so that sigma is in 1e15 S/(m s) (the median metal has a ratio of 1 to four digits), and
metals obey the Wiedemann-Franz law, so that kappa is in 1e9 W/(m K s). Both are printed and required to hold.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import sys
import tarfile
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.constants import e, m_e

from sim2real.chemistry.formulas import FormulaError, read_formula
from sim2real.chemistry.simulators.wiedemann_franz import log_lorenz_ratio
from sim2real.datasets.transport import COMPUTED_TRANSPORT

RELAXATION_TIME = 1e-14  # s
SIGMA_UNIT, KAPPA_UNIT = 1e15, 1e9  # S/(m s) and W/(m K s)
DOPING = 1e24  # carriers per m3
METAL = 1e5  # S/m, above which the table holds metals only
DECIMALS = 3  # of log10: a quarter of a per cent, far below what a constant relaxation time is worth


def read_package() -> pd.DataFrame:
    """matminer's rows, one an entry of the Materials Project; reading the file alone avoids importing all of matminer."""
    archive = next(f for f in files("matminer") or [] if f.match("mp_transport/transport_database.tar.xz"))
    with tarfile.open(archive.locate(), "r:xz") as tar:
        member = next(m for m in tar.getmembers() if m.name.endswith("transport_database.csv"))
        return pd.read_csv(tar.extractfile(member), keep_default_na=False, na_values=[""])


def in_si_units(rows: pd.DataFrame) -> pd.DataFrame:
    """log10 of kappa in W/(m K) and of sigma in S/m, for both carriers; NaN where a value is not positive."""
    logs = pd.DataFrame({"formula": rows["pretty_formula"]})
    for carrier in "np":
        for name, unit in (("kappa", KAPPA_UNIT), ("sigma", SIGMA_UNIT)):
            value = rows[f"{name}_{carrier}"] * unit * RELAXATION_TIME
            logs[f"log_{name}_{carrier}"] = np.log10(value.where(value > 0))
    return logs


def check_units(rows: pd.DataFrame, logs: pd.DataFrame) -> None:
    """Stop where the units above contradict the table."""
    mass = DOPING * e**2 / m_e / (rows["sigma_n"] * SIGMA_UNIT)
    metal = logs["log_sigma_n"] > np.log10(METAL)
    by_mass = np.log10(rows["m_n"] / mass)[metal].median()
    by_law = np.median(log_lorenz_ratio(logs["log_kappa_n"], logs["log_sigma_n"], 300.0)[metal])
    print(f"{metal.sum()} rows above {METAL:g} S/m, medians of log10:")
    print(f"  mass over n e^2 tau / sigma {by_mass:.4f}, kappa over L sigma T {by_law:.4f}")
    if not (abs(by_mass) < 0.01 and abs(by_law) < 0.02):
        raise SystemExit("the columns of this matminer are in other units; expected 1e15 S/(m s) and 1e9 W/(m K s)")


def merge(logs: pd.DataFrame) -> pd.DataFrame:
    """One row a composition: medians of the logarithms over the entries (polymorphs) of the same composition."""
    values = [c for c in logs if c.startswith("log_")]
    usable = logs[np.isfinite(logs[values]).all(axis=1)]
    print(f"{len(logs)} entries; dropped, not positive or missing: {len(logs) - len(usable)}")
    keys, reduced, reasons = [], [], []
    for text in usable["formula"]:
        try:
            formula = read_formula(text)
            keys.append(formula.key)
            reduced.append(formula.reduced)
        except FormulaError as error:
            keys.append(None)
            reduced.append(None)
            reasons.append(str(error))
    for reason, count in pd.Series(reasons, dtype=object).value_counts().items():
        print(f"dropped, {reason}: {count}")
    grouped = usable.assign(key=keys, formula=reduced).dropna(subset="key").groupby("key", sort=True)
    table = grouped[values].median().round(DECIMALS)
    table.insert(0, "formula", grouped["formula"].first())
    table.insert(1, "entries", grouped.size())
    return table


def packed(table: pd.DataFrame) -> bytes:
    """The table as gzip bytes that depend on its content alone (no time, no file name)."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(table.to_csv(index=False, lineterminator="\n", float_format=f"%.{DECIMALS}f").encode())
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed table, write nothing")
    check = parser.parse_args().check
    rows = read_package()
    logs = in_si_units(rows)
    check_units(rows, logs)
    for carrier in "np":
        ratio = log_lorenz_ratio(logs[f"log_kappa_{carrier}"], logs[f"log_sigma_{carrier}"], 300.0)
        print(f"{carrier}-type entries more than a factor of ten away from the law: {(np.abs(ratio) > 1).sum()}")
    table = merge(logs)
    data = packed(table)
    print(f"{len(table)} compositions, {table['entries'].sum() - len(table)} entries merged into others, {len(data)} bytes")
    for carrier in "np":
        r = np.corrcoef(table[f"log_kappa_{carrier}"], table[f"log_sigma_{carrier}"])[0, 1]
        print(f"{carrier}-type: correlation of log kappa and log sigma {r:.4f}")
    if check:
        # the text, not the archive: another build of zlib may pack the same text differently
        same = COMPUTED_TRANSPORT.exists() and gzip.decompress(COMPUTED_TRANSPORT.read_bytes()) == gzip.decompress(data)
        print(f"{COMPUTED_TRANSPORT.name}: {'unchanged' if same else 'would change; run this script without --check'}")
        return 0 if same else 1
    part = Path(f"{COMPUTED_TRANSPORT}.part")
    part.write_bytes(data)
    os.replace(part, COMPUTED_TRANSPORT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
