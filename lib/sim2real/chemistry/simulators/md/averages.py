"""What a recorded run says: density, heat capacity and refractive index, each with an error, and whether it had settled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim2real.chemistry.simulators.constants import AVOGADRO, BOLTZMANN
from sim2real.chemistry.simulators.graph import structure_sums
from sim2real.chemistry.simulators.md.protocol import ATM, KELVIN
from sim2real.chemistry.simulators.polymer import refractive_index
from sim2real.chemistry.structures import parse

KCAL = 4184.0  # J
ATM_A3 = 101_325e-30 * AVOGADRO / KCAL  # kcal/mol
FEWEST_BLOCKS = 8
JACKKNIFE = 5
# a density that moves by less between the halves of a run counts as settled, whatever its error
STILL = 0.005


def block_error(values: np.ndarray) -> float:
    """Standard error of the mean of a correlated series of shape (n,): Flyvbjerg & Petersen, J. Chem. Phys. 91, 461 (1989).

    Neighbours are averaged again and again; the largest estimate of those with :data:`FEWEST_BLOCKS` blocks or more is returned: a
    little too large rather than too small. A ValueError for fewer values.
    """
    blocks, largest = np.asarray(values, dtype=float), 0.0
    if len(blocks) < FEWEST_BLOCKS:
        raise ValueError(f"{len(blocks)} values in the record; expected at least {FEWEST_BLOCKS}")
    while len(blocks) >= FEWEST_BLOCKS:
        largest = max(largest, float(np.std(blocks, ddof=1)) / math.sqrt(len(blocks)))
        even = len(blocks) // 2 * 2
        blocks = blocks[:even].reshape(-1, 2).mean(axis=1)
    return largest


def heat_capacity(energy: np.ndarray, volume: np.ndarray, mass: float) -> tuple[float, float]:
    """Cp and its error in J/(kg K) by the fluctuation of the enthalpy, var(H)/(k T^2 m), at 300 K and 1 atm.

    ``energy`` (kcal/mol) and ``volume`` (cubic Angstrom), each of shape (n,), and ``mass`` (g/mol) are of the whole cell. The error
    is a jackknife over fifths of the run.
    """
    enthalpy = (np.asarray(energy) + ATM * ATM_A3 * np.asarray(volume)) * KCAL / AVOGADRO
    per = BOLTZMANN * KELVIN**2 * mass / AVOGADRO / 1000
    parts = np.array_split(enthalpy, JACKKNIFE)
    without = np.array([np.var(np.concatenate(parts[:k] + parts[k + 1 :])) for k in range(JACKKNIFE)])
    error = math.sqrt((JACKKNIFE - 1) * float(np.var(without)))
    return float(np.var(enthalpy)) / per, error / per


@dataclass(frozen=True)
class Averages:
    """Of a cell at 300 K and 1 atm; units as named, errors are standard errors of this run alone, not between runs."""

    density: float  # g/cm3
    density_error: float
    drift: float  # g/cm3, of the second half of the run from the first
    settled: bool
    refractive_index: float
    refractive_index_error: float  # by the density's only
    heat_capacity: float  # J/(kg K), classical, bonds to hydrogen rigid
    heat_capacity_error: float
    temperature: float  # K


def averages(record: dict[str, np.ndarray], smiles: str, mass: float) -> Averages:
    """Of a record (columns kelvin, density, energy, volume) of a cell of a repeat unit with two ``*``; mass in g/mol.

    A ValueError for a record of fewer than 16 rows.
    """
    density = record["density"]
    mean, error = float(np.mean(density)), block_error(density)
    halves = np.array_split(density, 2)
    drift = float(halves[1].mean() - halves[0].mean())
    between = math.hypot(*map(block_error, halves))
    sums = structure_sums(parse(smiles))
    index, higher = (refractive_index(sums.polarizability, sums.molar_mass / value) for value in (mean, mean + error))
    capacity, capacity_error = heat_capacity(record["energy"], record["volume"], mass)
    settled = abs(drift) <= max(2 * between, STILL * mean)
    return Averages(mean, error, drift, settled, index, higher - index, capacity, capacity_error, float(record["kelvin"].mean()))
