"""Simulators of pairs under one function each: UNIFAC by groups, and COSMO-SAC by sigma profiles of the repository, or your own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sim2real.chemistry.simulators import surfaces
from sim2real.chemistry.simulators.cosmo_sac import SurfaceMixtures
from sim2real.chemistry.simulators.mixing import POLYMER_FRACTION, Find, Mixtures
from sim2real.chemistry.simulators.surfaces import GRID, NoProfile, SigmaProfile, sigma_profile
from sim2real.chemistry.simulators.unifac import GroupMixtures
from sim2real.chemistry.simulators.unifac_groups import groups_of
from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.chemistry.texts import reason_of
from sim2real.datasets.paths import CACHE, DATA


class Method(NamedTuple):
    """A simulator of pairs, as a task says it."""

    name: str
    licence: str
    citation: str


COSMO_SAC = "cosmo-sac"
_THERMO = "computed here; parameters and group assignments of thermo (MIT), published by DDBST"
METHODS = {
    "unifac": Method(
        "original UNIFAC",
        _THERMO,
        "Fredenslund et al., AIChE J. 21 (1975) 1086, parameters and groups of the package thermo 0.6.1",
    ),
    "unifac 2.0": Method(
        "UNIFAC 2.0",
        _THERMO,
        "Hayer et al., Chem. Eng. J. 504 (2025) 158667, parameters of the package thermo 0.6.1",
    ),
    COSMO_SAC: Method(
        "COSMO-SAC",
        "computed here; sigma profiles of data/sigma_profiles.csv.gz (this project's, by MOPAC)",
        "COSMO-SAC 2010: Hsieh, Sandler and Lin, Fluid Phase Equilib. 297 (2010) 90, on AM1 charge densities times 1.05",
    ),
}
PROFILES = DATA / "sigma_profiles.csv.gz"
PROFILE_COLUMNS = ("structure", "conformers", "volume", "areas", "failure")


def simulate_chi(
    polymers: Sequence[str],
    solvents: Sequence[str],
    temperatures: Sequence[float],
    *,
    method: str = "unifac 2.0",
    polymer_fraction: float = POLYMER_FRACTION,
) -> pd.DataFrame:
    """Flory-Huggins chi of pairs, with the solvent's volume as reference (:mod:`sim2real.chemistry.simulators.mixing`).

    Args:
        polymers, solvents, temperatures: repeat units, molecules, and K, each (pairs,).
        method: ``unifac 2.0``, ``unifac`` (original), or ``cosmo-sac``, for which structures without a sigma profile in
            ``data/sigma_profiles.csv.gz`` are calculated by MOPAC, some seconds each, and kept. They are known by structure key:
            stereochemistry makes no difference.
        polymer_fraction: segment fraction of the polymer at which chi is taken, above 0 and up to 1 (a trace of solvent).

    Returns:
        Columns ``value``, NaN where there is none, and ``reason`` why not, else empty.

    Raises:
        ValueError: a temperature outside of 200 to 600 K, sequences of unequal lengths, an unknown method, or a fraction
            out of range.
    """
    return _mixtures(method, (solvents, polymers), temperatures, solvent=0, polymer=2).chi(polymer_fraction)


def simulate_ln_gamma(
    solutes: Sequence[str], solvents: Sequence[str], temperatures: Sequence[float], *, method: str = "unifac"
) -> pd.DataFrame:
    """ln of the activity coefficient of solutes at infinite dilution in solvents, molecules both; else as :func:`simulate_chi`."""
    # what both sides hold is known by either: one name each
    return _mixtures(method, (solutes, solvents), temperatures, solute=0, solvent=0).ln_gamma_infinite()


def _mixtures(method: str, texts: tuple[Sequence[str], Sequence[str]], temperatures: Sequence[float], **stars: int) -> Mixtures:
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; expected {' or '.join(METHODS)}")
    if method == COSMO_SAC:
        return SurfaceMixtures.of(texts, temperatures, profile_of, **stars)
    return GroupMixtures.of(texts, temperatures, method, **stars)


def finder(method: str, stars: int) -> Find:
    """What finds a molecule (``stars`` 0) or repeat unit (2) for a method, or raises NotSimulated."""
    return partial(profile_of if method == COSMO_SAC else groups_of, stars=stars)


def profile_of(smiles: str, stars: int) -> SigmaProfile:
    """The sigma profile of a molecule (``stars`` 0) or repeat unit (2): the shipped one, one that was kept, or made now and kept.

    Raises:
        NoProfile: the structure cannot be read, or has no profile and MOPAC is not installed or gives none.
    """
    try:
        parse(smiles, attachment_points=(stars,))
        key = structure_key(smiles)
    except StructureError as error:
        raise NoProfile(f"structure {reason_of(error, smiles)}") from error
    kept = _kept()
    found = shipped_profiles().get(key) or read_profiles(kept).get(key)
    if found is None:
        found = sigma_profile(smiles)
        kept.parent.mkdir(parents=True, exist_ok=True)
        line = pd.DataFrame([profile_row(smiles, found)])
        line.to_csv(kept, mode="a", header=not kept.exists(), index=False, lineterminator="\n")
        read_profiles.cache_clear()
    if isinstance(found, str):
        raise NoProfile(found)
    return found


def _kept() -> Path:
    """Profiles of this machine, by the source text that makes them."""
    return CACHE / "sigma" / f"{hashlib.sha256(Path(surfaces.__file__).read_bytes()).hexdigest()[:16]}.csv"


def shipped_profiles() -> dict[str, SigmaProfile | str]:
    """Those of the repository by structure key; a text says why there is none."""
    return read_profiles(PROFILES)


@lru_cache(maxsize=2)
def read_profiles(path: Path) -> dict[str, SigmaProfile | str]:
    """A table of profiles as :func:`profile_row` writes it; empty where there is no file."""
    if not path.exists():
        return {}
    found: dict[str, SigmaProfile | str] = {}
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    for structure, conformers, volume, areas, failure in table[list(PROFILE_COLUMNS)].itertuples(index=False):
        found[structure_key(structure)] = failure or SigmaProfile(_read_areas(areas), float(volume), int(conformers))
    return found


def profiled(stars: int) -> list[str]:
    """Keys of the repository's structures with a profile: molecules (``stars`` 0) or repeat units (2), in alphabetical order."""
    return sorted(k for k, found in shipped_profiles().items() if not isinstance(found, str) and k.count("*") == stars)


def _read_areas(text: str) -> np.ndarray:
    flat = np.zeros(3 * len(GRID))
    for cell in text.split():
        place, area = cell.split(":")
        flat[int(place)] = float(area)
    return flat.reshape(3, len(GRID))


def profile_row(structure: str, profile: SigmaProfile | str) -> dict[str, object]:
    """A row of a table of profiles: areas in A^2 by place (0 to 50 plain, 51 to 101 hydroxyl, 102 to 152 other), volume in A^3."""
    if isinstance(profile, str):
        return dict(zip(PROFILE_COLUMNS, (structure, 0, "", "", profile)))
    areas = " ".join(f"{k}:{area:g}" for k, area in enumerate(profile.areas.ravel().round(2)) if area)
    return dict(zip(PROFILE_COLUMNS, (structure, profile.conformers, f"{profile.volume:.2f}", areas, "")))
