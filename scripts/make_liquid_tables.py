"""Make the two small-molecule tables of the embedded edition from the data that the package ``chemicals`` ships.

    python scripts/make_liquid_tables.py            # writes data/facts/liquids.csv and data/molecules.csv.gz
    python scripts/make_liquid_tables.py --check    # exit status 1 if the committed tables would change

``liquids.csv``: one row a measured (or evaluated) property of an organic liquid near room temperature.
``molecules.csv.gz``: other molecules of the same package, the source to be simulated; no measured liquid among them.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
from pathlib import Path

import chemicals
import numpy as np
import pandas as pd
from chemicals import heat_capacity, thermal_conductivity
from rdkit import Chem

from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.datasets.paths import DATA

PACKAGE = Path(chemicals.__file__).parent
ELEMENTS = {1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 35, 53}
TEMPERATURE = 298.15
POSSIBLE_HEAT_CAPACITY = (0.3, 5.0)  # J/(g K); water has 4.18
MAX_HEAVY_ATOMS = 30
N_MOLECULES = 30_000
SEED = 20250101


def smiles_by_cas() -> pd.DataFrame:
    """CAS number, SMILES and preferred name of every organic molecule of the package that passes the filters."""
    rows = []
    for table in ("pubchem large", "pubchem small", "example user db"):
        path = PACKAGE / "Identifiers" / f"chemical identifiers {table}.tsv"
        with open(path, encoding="utf8") as file:
            for line in file:
                cells = line.rstrip("\n").split("\t")
                rows.append((cells[1], cells[4], cells[8] if len(cells) > 8 else cells[7]))
    frame = pd.DataFrame(rows, columns=["cas", "smiles", "name"]).drop_duplicates("cas", keep="last")
    return frame[[_usable(s) for s in frame["smiles"]]]


def _usable(smiles: str) -> bool:
    try:
        mol = parse(smiles, attachment_points=(0,))
    except StructureError:
        return False
    atoms = {a.GetAtomicNum() for a in mol.GetAtoms()}
    return 6 in atoms and atoms <= ELEMENTS and 2 <= mol.GetNumHeavyAtoms() <= MAX_HEAVY_ATOMS


def measured_liquids(structures: pd.DataFrame) -> pd.DataFrame:
    """Long table of measured values: cas, property, value, unit, temperature_K, source."""
    parts = []
    constants = pd.read_csv(PACKAGE / "Misc" / "Physical Constants of Organic Compounds.csv", sep="\t").set_index("CAS")
    index = pd.read_csv(PACKAGE / "Misc" / "CRC Handbook Organic RI.csv", sep="\t").set_index("CAS")
    index = index[index["RIT"].between(288, 303)]
    # liquid at 300 K: nothing known speaks against it, and a melting point, a boiling point or an index of the liquid speaks for it
    melts, boils = constants["Tm"], constants["Tb"]
    known = melts.notna() | boils.notna() | constants.index.isin(index.index)
    liquid = constants.index[~(melts >= 300) & ~(boils <= 300) & known]

    def add(property: str, values: pd.Series, unit: str, temperature: object, source: str) -> None:
        values = values[values.index.isin(liquid)].dropna()
        where = temperature.reindex(values.index) if isinstance(temperature, pd.Series) else temperature
        parts.append(
            pd.DataFrame(
                {
                    "cas": values.index,
                    "property": property,
                    "value": values.to_numpy(),
                    "unit": unit,
                    "temperature_K": where.to_numpy() if isinstance(where, pd.Series) else where,
                    "source": source,
                }
            )
        )

    crc = "CRC Handbook of Chemistry and Physics, "
    # the table prints 20 C unless a superscript says otherwise; the shipped file dropped the superscripts
    add("density", constants["rho"] / 1000, "g/cm^3", "", crc + "Physical Constants of Organic Compounds")
    add(
        "refractive_index",
        index["RI"],
        "-",
        index["RIT"],
        crc + "index of refraction of organic liquids",
    )

    heat_capacity._load_Cp_data()
    mass = structures.set_index("cas")["smiles"].map(lambda s: _molar_mass(s))
    per_mass = lambda molar: (molar / mass.reindex(molar.index)).dropna()  # noqa: E731  J/(mol K) -> J/(g K)
    for kind, table in heat_capacity.zabransky_dicts.items():
        molar = pd.Series({cas: _evaluate(model) for cas, model in table.items()}, dtype=float)
        add("heat_capacity", per_mass(molar), "J/(g K)", TEMPERATURE, f"Zabransky et al., Heat Capacity of Liquids: {kind[10:]}")
    molar = heat_capacity.CRC_standard_data["Cpl"].dropna()
    add(
        "heat_capacity",
        per_mass(molar),
        "J/(g K)",
        TEMPERATURE,
        crc + "Standard Thermodynamic Properties",
    )

    thermal_conductivity._load_k_data()
    perry = thermal_conductivity.k_data_Perrys_8E_2_315
    perry = perry[(perry["Tmin"] <= TEMPERATURE) & (perry["Tmax"] >= TEMPERATURE)]
    value = sum(perry[f"C{k + 1}"] * TEMPERATURE**k for k in range(5))
    add(
        "thermal_conductivity",
        value,
        "W/(m K)",
        TEMPERATURE,
        "Perry's Chemical Engineers' Handbook 8th ed., Table 2-315 (evaluated fit)",
    )
    vdi = thermal_conductivity.k_data_VDI_PPDS_9
    value = sum(vdi[c] * TEMPERATURE**k for k, c in enumerate("ABCDE"))
    add(
        "thermal_conductivity",
        value,
        "W/(m K)",
        TEMPERATURE,
        "VDI Heat Atlas, PPDS thermal conductivity of saturated liquids (evaluated fit)",
    )
    table = pd.concat(parts, ignore_index=True).merge(structures, on="cas", how="inner")
    table = table[["smiles", "name", "cas", "property", "value", "unit", "temperature_K", "source"]]
    table["value"] = table["value"].map(lambda v: float(f"{v:.5g}"))
    # a few shipped coefficients are misprinted and give heat capacities that no liquid has: dropped, and printed
    impossible = (table["property"] == "heat_capacity") & ~table["value"].between(*POSSIBLE_HEAT_CAPACITY)
    print("dropped as impossible:", table.loc[impossible, ["name", "value", "unit", "source"]].to_string(header=False), sep="\n")
    table = table[~impossible]
    return table.sort_values(["property", "cas", "source", "value"]).reset_index(drop=True)


def _molar_mass(smiles: str) -> float:
    from rdkit.Chem.Descriptors import MolWt

    return MolWt(Chem.MolFromSmiles(smiles))


def _evaluate(model: object) -> float:
    low = getattr(model, "Tmin", None) or model.models[0].Tmin
    high = getattr(model, "Tmax", None) or model.models[-1].Tmax
    return float(model.calculate(TEMPERATURE)) if low <= TEMPERATURE <= high else np.nan


def other_molecules(structures: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Distinct molecules (by structure key) that have no measured liquid property, in a fixed random order."""
    taken = {structure_key(s) for s in measured["smiles"].unique()}
    keys = sorted({structure_key(s) for s in structures["smiles"]} - taken)
    order = np.random.default_rng(SEED).permutation(len(keys))[:N_MOLECULES]
    return pd.DataFrame({"smiles": [keys[i] for i in order]})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed tables, write nothing")
    check = parser.parse_args().check
    structures = smiles_by_cas()
    measured = measured_liquids(structures)
    molecules = other_molecules(structures, measured)
    compressed = io.BytesIO()
    with gzip.GzipFile(fileobj=compressed, mode="wb", mtime=0) as file:
        file.write(molecules.to_csv(index=False, lineterminator="\n").encode())
    outputs = {
        DATA / "facts" / "liquids.csv": measured.to_csv(index=False, lineterminator="\n").encode(),
        DATA / "molecules.csv.gz": compressed.getvalue(),
    }
    status = 0
    for path, content in outputs.items():
        if check:
            same = path.exists() and path.read_bytes() == content
            status |= not same
            print(f"{path.name}: {'unchanged' if same else 'would change'}")
        else:
            path.write_bytes(content)
            print(f"{path.name}: {len(content):,} bytes")
    print(measured.groupby("property").agg(rows=("value", "size"), liquids=("cas", "nunique")))
    print(f"{len(molecules):,} other molecules")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
