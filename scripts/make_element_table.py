"""Make lib/sim2real/chemistry/descriptors/data/elements.csv: 58 features of 94 elements (H to Pu), and the list of imputed cells.

    pip install mendeleev==1.3.0 pymatgen-core==2026.10.16 matminer==0.10.1
    python scripts/make_element_table.py [--check]

The features are those of XenonPy's ``elements_completed`` (github.com/yoshida-lab/XenonPy), taken anew from the
packages above; data/README.md says where the two differ and which is right. A missing cell is the mean over the five elements
nearest in the standardised features that both have, weighted by inverse distance (scikit-learn's KNNImputer); XenonPy used
multiple imputation by chained equations.
``--check`` writes nothing and prints how well hidden known cells are recovered.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pandas as pd
from mendeleev.fetch import fetch_table
from pymatgen.core import Element
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import StandardScaler

OUT = Path(__file__).resolve().parents[1] / "lib" / "sim2real" / "chemistry" / "descriptors" / "data"
LAST = 94
DENSEST_GAS = 0.01  # g/cm3, radon's

# feature -> (package, its name there, factor if not 1) of each source, the first that has a value; the order is XenonPy's
FEATURES = {
    "atomic_number": ("mendeleev", "atomic_number"),
    # of metals with twelve neighbours, as XenonPy's; Miracle's (Int. Mater. Rev. 55, 218, 2010) has lanthanides and actinides
    "atomic_radius": (("mendeleev", "metallic_radius_c12"), ("matminer", "MiracleRadius")),
    "atomic_radius_rahm": ("mendeleev", "atomic_radius_rahm"),
    "atomic_volume": ("mendeleev", "density"),  # divided into the weight below
    "atomic_weight": ("mendeleev", "atomic_weight"),
    "boiling_point": (("pymatgen", "boiling_point"), ("matminer", "BoilingT")),
    "bulk_modulus": ("pymatgen", "bulk_modulus"),
    "c6_gb": ("mendeleev", "c6_gb"),
    "covalent_radius_cordero": ("mendeleev", "covalent_radius_cordero"),
    "covalent_radius_pyykko": ("mendeleev", "covalent_radius_pyykko"),
    "covalent_radius_pyykko_double": ("mendeleev", "covalent_radius_pyykko_double"),
    "covalent_radius_pyykko_triple": ("mendeleev", "covalent_radius_pyykko_triple"),
    "covalent_radius_slater": ("mendeleev", "atomic_radius"),
    "density": ("mendeleev", "density"),
    "dipole_polarizability": ("mendeleev", "dipole_polarizability"),
    "electron_negativity": (("pymatgen", "X"), ("mendeleev", "en_allen", 2.30016 / 13.6057)),  # Allen, JACS 111, 9003 (1989)
    "electron_affinity": ("pymatgen", "electron_affinity"),  # mendeleev's He, Be and Ar are -19.7, -2.4 and -11.5 eV
    "en_allen": ("mendeleev", "en_allen"),
    "en_ghosh": ("mendeleev", "en_ghosh"),
    "en_pauling": ("mendeleev", "en_pauling"),
    "first_ion_en": ("pymatgen", "ionization_energy"),
    "fusion_enthalpy": ("matminer", "HeatFusion"),
    "gs_bandgap": ("matminer", "GSbandgap"),
    "gs_energy": ("matminer", "GSenergy_pa"),
    "gs_est_bcc_latcnt": ("matminer", "GSestBCClatcnt"),
    "gs_est_fcc_latcnt": ("matminer", "GSestFCClatcnt"),
    "gs_mag_moment": ("matminer", "GSmagmom"),
    "gs_volume_per": ("matminer", "GSvolume_pa"),
    "hhi_p": ("matminer", "HHIp"),
    "hhi_r": ("matminer", "HHIr"),
    "heat_capacity_mass": ("matminer", "HeatCapacityMass"),
    "heat_capacity_molar": ("mendeleev", "molar_heat_capacity"),
    "icsd_volume": ("matminer", "ICSDVolume"),
    "evaporation_heat": ("mendeleev", "evaporation_heat"),
    "heat_of_formation": ("mendeleev", "heat_of_formation"),
    "lattice_constant": ("mendeleev", "lattice_constant"),
    "mendeleev_number": ("pymatgen", "mendeleev_no"),  # Pettifor's; mendeleev's is Villars'
    "melting_point": ("pymatgen", "melting_point"),
    "molar_volume": ("pymatgen", "molar_volume"),
    "num_unfilled": ("matminer", "NUnfilled"),
    "num_valance": ("matminer", "NValence"),
    "num_d_unfilled": ("matminer", "NdUnfilled"),
    "num_d_valence": ("matminer", "NdValence"),
    "num_f_unfilled": ("matminer", "NfUnfilled"),
    "num_f_valence": ("matminer", "NfValence"),
    "num_p_unfilled": ("matminer", "NpUnfilled"),
    "num_p_valence": ("matminer", "NpValence"),
    "num_s_unfilled": ("matminer", "NsUnfilled"),
    "num_s_valence": ("matminer", "NsValence"),
    "period": ("mendeleev", "period"),
    "specific_heat": ("mendeleev", "specific_heat_capacity"),
    "thermal_conductivity": ("pymatgen", "thermal_conductivity"),
    "vdw_radius": ("mendeleev", "vdw_radius"),
    "vdw_radius_alvarez": ("mendeleev", "vdw_radius_alvarez"),
    "vdw_radius_mm3": ("mendeleev", "vdw_radius_mm3"),
    "vdw_radius_uff": ("mendeleev", "vdw_radius_uff"),
    "sound_velocity": ("pymatgen", "velocity_of_sound"),
    "Polarizability": (("matminer", "Polarizability"), ("mendeleev", "dipole_polarizability", 0.148185)),  # of a.u. in A^3
}
# cells that a package has and that are not what they are called: Slater's radii (J. Chem. Phys. 41, 3199, 1964) leave out noble
# gases, 0.4 A^3 is a slip for bismuth's 7.4, and no visible amount of astatine and francium was ever weighed
NOT_TAKEN = {"covalent_radius_slater": ("He", "Ne", "Ar"), "Polarizability": ("Bi",), "density": ("At", "Fr")}


def read_packages() -> pd.DataFrame:
    """(94, 58) values, NaN where the package has none."""
    numbers = range(1, LAST + 1)
    elements = fetch_table("elements").set_index("atomic_number", drop=False).loc[list(numbers)]
    readers: dict[str, Callable[[str], list[float]]] = {
        "mendeleev": lambda name: [_number(value) for value in elements[name]],
        "pymatgen": lambda name: [_number(getattr(Element.from_Z(z), name)) for z in numbers],
        "matminer": _read_matminer,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns for every missing value
        symbols = pd.Index([Element.from_Z(z).symbol for z in numbers], name="symbol")
        table = pd.DataFrame(index=symbols)
        for feature, found in FEATURES.items():
            sources = [found] if isinstance(found[0], str) else found
            columns = [pd.Series(readers[p](name), symbols) * (factor or [1])[0] for p, name, *factor in sources]
            # of the first source alone: the others fill its gaps
            columns[0] = columns[0].mask(symbols.isin(NOT_TAKEN.get(feature, ())))
            table[feature] = pd.concat(columns, axis=1).bfill(axis=1).iloc[:, 0]
    # cm3/mol of the solid or liquid: the density of gases at 295 K says nothing of atoms
    table["atomic_volume"] = table["atomic_weight"] / table["density"].where(table["density"] > DENSEST_GAS)
    return table


def _read_matminer(name: str) -> list[float]:
    # a file with a line an element; reading it so avoids importing all of matminer
    path = next(f for f in files("matminer") or [] if f.match(f"magpie_elementdata/{name}.table"))
    return [_number(line.strip()) for line in path.read_text().splitlines()[:LAST]]


def _number(value: object) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def impute(known: pd.DataFrame) -> pd.DataFrame:
    """``known`` with its NaN filled; the known cells unchanged."""
    scaler = StandardScaler()
    nearest = KNNImputer(n_neighbors=5, weights="distance").fit_transform(scaler.fit_transform(known))
    filled = scaler.inverse_transform(nearest)
    return known.where(known.notna(), pd.DataFrame(filled, index=known.index, columns=known.columns))


def check(known: pd.DataFrame, share: float = 0.1) -> None:
    """Hide a tenth of the known cells of the incomplete features and print the errors over the feature's spread."""
    incomplete = known.columns[known.isna().any()]
    rng = np.random.default_rng(0)
    hidden = known.notna() & (rng.random(known.shape) < share)
    hidden.loc[:, known.columns.difference(incomplete)] = False
    seen = known.mask(hidden)
    median = pd.DataFrame(SimpleImputer(strategy="median").fit_transform(seen), known.index, known.columns)
    for name, filled in {"nearest elements": impute(seen), "median": median}.items():
        error = ((filled - known).abs() / known.std()).where(hidden).stack().dropna()
        print(f"{name}: {len(error)} cells, mean {error.mean():.3f}, median {error.median():.3f} standard deviations")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only print how well hidden cells are recovered")
    known = read_packages()
    if parser.parse_args().check:
        check(known)
        return
    OUT.mkdir(parents=True, exist_ok=True)
    impute(known).to_csv(OUT / "elements.csv", float_format="%.6g", lineterminator="\n")
    missing = known.isna().stack()
    cells = missing[missing].index.to_frame(index=False)
    cells.columns = ["symbol", "feature"]
    cells.to_csv(OUT / "elements_imputed.csv", index=False, lineterminator="\n")
    print(f"{known.shape[0]} elements, {known.shape[1]} features, {len(cells)} imputed cells")
    print(known.isna().sum()[lambda counts: counts > 0].to_string())


if __name__ == "__main__":
    main()
