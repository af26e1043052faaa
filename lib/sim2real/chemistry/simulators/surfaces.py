"""Sigma profiles from our own quantum chemistry: RDKit's conformers, and the screening charges that MOPAC's COSMO puts on them.

A molecule is taken as it is, a repeat unit as a trimer with a methyl group at either end, whose profile is the mean of its three
units, the ends left out. Conformers are ETKDGv3's, relaxed with MMFF94 (UFF where it has no parameters), lowest energy first;
the profile is the mean over the first few, each with one AM1 calculation in a conductor (COSMO: Klamt and Schuurmann, J. Chem.
Soc. Perkin Trans. 2 (1993) 799). MOPAC is LGPL and free: Debian's package ``mopac``, or conda-forge's.

Charge densities are averaged over neighbouring segments and sorted into three classes after Hsieh, Sandler and Lin, Fluid Phase
Equilib. 297 (2010) 90: hydroxyl, other donors and acceptors, and all else. They are kept as MOPAC gives them; what a model
makes of them (a factor, the share that bonds) is in :mod:`sim2real.chemistry.simulators.cosmo_sac`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import AllChem
from scipy.spatial.distance import cdist

from sim2real.chemistry.simulators.mixing import NotSimulated
from sim2real.chemistry.structures import attachment_indices, parse

GRID = np.round(np.arange(-25, 26) * 0.001, 3)  # e/A^2, the charge densities of a profile
PLAIN, HYDROXYL, OTHER = range(3)  # classes of segments: neither donor nor acceptor, hydroxyl, another donor or acceptor
EFFECTIVE_AREA = 7.25  # A^2, of a segment that interacts (Hsieh et al., table 1)
_DECAY = 3.57  # of the average over neighbours (Lin, Mathias, Song, Chen and Sandler, Ind. Eng. Chem. Res. 41 (2002) 899)
KEYWORDS = "AM1 EPS=999.0 COSWRT NSPA=92 1SCF THREADS=1"
SEED = 7  # of the conformers, and with it of stereocentres that a SMILES leaves open
CONFORMERS, EMBEDDED, EMBEDDED_LARGE, LARGE = 4, 10, 5, 60  # averaged; embedded; embedded above so many atoms
UNITS, SECONDS = 3, 600  # of an oligomer; before a calculation is given up
# cavity radii of MOPAC's COSMO in Angstrom, here only to share a cavity's volume among atoms; others count as carbon
_RADIUS = {1: 1.30, 6: 2.00, 7: 1.83, 8: 1.72, 9: 1.72, 14: 2.40, 15: 2.12, 16: 2.16, 17: 2.05, 35: 2.16, 53: 2.32}
_STEP = 0.2  # Angstrom, of the grid on which they are compared
_UNIT = "unit"  # atom property: number of the repeat unit, 1 in a molecule, 0 in the caps


class NoProfile(NotSimulated):
    """No sigma profile for a structure."""


@dataclass(frozen=True)
class SigmaProfile:
    """A molecule's or repeat unit's surface: ``areas`` (3, 51) in A^2 by class and :data:`GRID`, cavity ``volume`` in A^3, and the
    number of conformers of which it is the mean.
    """

    areas: NDArray[np.float64]
    volume: float
    conformers: int


@dataclass(frozen=True)
class _Surface:
    """Segments of one geometry: their atoms, places (segments, 3) in A, charges in e and areas in A^2; cavity volume in A^3."""

    atom: NDArray[np.int64]
    points: NDArray[np.float64]
    charge: NDArray[np.float64]
    area: NDArray[np.float64]
    volume: float


def mopac_version() -> str:
    """What MOPAC says of itself; :class:`NoProfile` in one line where it is not installed."""
    return subprocess.run([_mopac(), "--version"], capture_output=True, text=True, timeout=60).stdout.strip()


def _mopac() -> str:
    if found := shutil.which("mopac"):
        return found
    raise NoProfile("MOPAC is not installed (apt-get install mopac, or conda install -c conda-forge mopac)")


def sigma_profile(smiles: str, *, conformers: int = CONFORMERS, seed: int = SEED) -> SigmaProfile:
    """The profile of a molecule or repeat unit (two ``*``), the mean of up to ``conformers``; about 0.1 s and 1 to 10 s.

    Raises:
        NoProfile: no MOPAC, no conformer, or no result.
        StructureError: the SMILES cannot be read.
    """
    _mopac()
    mol = capped(parse(smiles))
    places = _embed(mol, seed)[:conformers]
    surfaces = [_screen(mol, xyz) for xyz in places]
    units = max(atom.GetIntProp(_UNIT) for atom in mol.GetAtoms())
    areas = sum(_areas(mol, surface) for surface in surfaces) / (units * len(surfaces))
    volume = sum(_volume(mol, xyz, surface.volume) for xyz, surface in zip(places, surfaces)) / (units * len(surfaces))
    return SigmaProfile(areas, volume, len(surfaces))


def capped(mol: Chem.Mol) -> Chem.Mol:
    """What is calculated for a molecule or repeat unit that was parsed, with its hydrogens and the atoms' units."""
    ends = [star for star, _ in attachment_indices(mol)]
    parts = [Chem.RWMol(mol) for _ in range(UNITS if ends else 1)]
    for k, part in enumerate(parts):
        for atom in part.GetAtoms():
            atom.SetIntProp(_UNIT, k + 1)
        for bond, star in enumerate(map(part.GetAtomWithIdx, ends), k):
            if bond in (0, UNITS):
                star.SetAtomicNum(6)
                star.SetNoImplicit(False)
                star.SetIntProp(_UNIT, 0)
            else:
                star.SetAtomMapNum(bond)
    chain = parts[0].GetMol()
    for part in parts[1:]:  # zipped one by one at the ends of equal numbers, which keeps what stereochemistry is written
        chain = Chem.molzip(Chem.CombineMols(chain, part))
    Chem.SanitizeMol(chain)
    chain = Chem.AddHs(chain)
    for atom in chain.GetAtoms():
        if not atom.HasProp(_UNIT):
            atom.SetIntProp(_UNIT, atom.GetNeighbors()[0].GetIntProp(_UNIT))
    return chain


def _embed(mol: Chem.Mol, seed: int) -> list[NDArray[np.float64]]:
    """Places of the atoms (atoms, 3) in A of every conformer, lowest energy first."""
    wanted = EMBEDDED if mol.GetNumAtoms() <= LARGE else EMBEDDED_LARGE
    settings = AllChem.ETKDGv3()
    settings.randomSeed, settings.numThreads, settings.timeout = seed, 1, SECONDS
    ids = list(AllChem.EmbedMultipleConfs(mol, wanted, settings))
    if not ids:
        settings.useRandomCoords = True
        ids = list(AllChem.EmbedMultipleConfs(mol, wanted, settings))
    if not ids:
        raise NoProfile("no conformer was found")
    known = AllChem.MMFFHasAllMoleculeParams(mol)
    relax = AllChem.MMFFOptimizeMoleculeConfs if known else AllChem.UFFOptimizeMoleculeConfs
    energies = [energy for _, energy in relax(mol, numThreads=1, maxIters=2000)]
    return [mol.GetConformer(ids[k]).GetPositions() for k in np.argsort(energies, kind="stable")]


def _screen(mol: Chem.Mol, xyz: NDArray[np.float64]) -> _Surface:
    """MOPAC's screening charges of one geometry."""
    atoms = [f"{a.GetSymbol()} {x:.6f} 0 {y:.6f} 0 {z:.6f} 0" for a, (x, y, z) in zip(mol.GetAtoms(), xyz)]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "m.mop").write_text("\n".join([KEYWORDS, "", "", *atoms, ""]), encoding="ascii")
        alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        try:
            subprocess.run(["mopac", "m.mop"], cwd=folder, env=alone, capture_output=True, timeout=SECONDS)
            return _read(Path(folder, "m.cos").read_text(encoding="utf-8", errors="replace"))
        except subprocess.TimeoutExpired as error:
            raise NoProfile(f"MOPAC took more than {SECONDS} s") from error
        except (OSError, ValueError, IndexError) as error:
            raise NoProfile("MOPAC gave no surface") from error


def _read(text: str) -> _Surface:
    """A ``.cos`` file: the cavity's volume, and a table of segments (number, atom, x, y, z, radius, charge, area, ...)."""
    volume = float(text.split("COSMO VOLUME")[1].split("=")[1].split()[0])
    lines = (line.split() for line in text.split("SEGMENT DATA")[1].splitlines()[2:])
    rows = np.array([[float(cell) for cell in cells] for cells in lines if len(cells) == 10])
    return _Surface(rows[:, 1].astype(int) - 1, rows[:, 3:6], rows[:, 6], rows[:, 7], volume)


def _areas(mol: Chem.Mol, surface: _Surface) -> NDArray[np.float64]:
    """Areas (3, 51) of all segments but the caps', each split between the two charge densities of the grid beside it."""
    sigma = averaged(surface.points, surface.charge, surface.area)
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])[surface.atom]
    # the lone pair of an acceptor is screened by positive charge, the hydrogen of a donor by negative
    kind = np.where(np.where(numbers == 1, sigma < 0, sigma > 0), np.array(bonding_classes(mol))[surface.atom], PLAIN)
    of_units = np.array([atom.GetIntProp(_UNIT) > 0 for atom in mol.GetAtoms()])[surface.atom]
    return np.array([binned(sigma[of_units & (kind == k)], surface.area[of_units & (kind == k)]) for k in range(3)])


def averaged(points: NDArray, charge: NDArray, area: NDArray) -> NDArray[np.float64]:
    """Charge densities (segments,) in e/A^2, each the mean over its neighbourhood (Hsieh et al., eq. 3, not re-checked)."""
    density, square, whole = charge / area, area / np.pi, EFFECTIVE_AREA / np.pi
    weights = square * whole / (square + whole)
    out = np.empty(len(area))
    for start in range(0, len(area), 256):  # bounds the memory: a trimer has some 5,000 segments
        near = weights * np.exp(-_DECAY * cdist(points[start : start + 256], points, "sqeuclidean") / (square + whole))
        out[start : start + 256] = near @ density / near.sum(axis=1)
    return out


def bonding_classes(mol: Chem.Mol) -> list[int]:
    """Class of every atom of a molecule with hydrogens: both atoms of a hydroxyl; N, F, other O and the hydrogens on N and F."""
    classes = []
    for atom in mol.GetAtoms():
        own, near = atom.GetAtomicNum(), [other.GetAtomicNum() for other in atom.GetNeighbors()]
        if own == 8:
            classes.append(HYDROXYL if 1 in near else OTHER)
        elif own == 1:
            classes.append({8: HYDROXYL, 7: OTHER, 9: OTHER}.get(near[0], PLAIN) if near else PLAIN)
        else:
            classes.append(OTHER if own in (7, 9) else PLAIN)
    return classes


def binned(sigma: NDArray, area: NDArray) -> NDArray[np.float64]:
    """Areas on :data:`GRID` (51,) of segments, each split between its two neighbours; the ends take what is beyond."""
    place = np.clip((sigma - GRID[0]) / (GRID[1] - GRID[0]), 0, len(GRID) - 1 - 1e-9)
    left = place.astype(int)
    right = place - left
    return np.bincount(left, area * (1 - right), len(GRID)) + np.bincount(left + 1, area * right, len(GRID))


def _volume(mol: Chem.Mol, xyz: NDArray, volume: float) -> float:
    """The part of a cavity's volume that is nearest to atoms other than the caps', in the distance d^2 - r^2."""
    inside = np.array([atom.GetIntProp(_UNIT) > 0 for atom in mol.GetAtoms()])
    if inside.all():
        return volume
    radii = np.array([_RADIUS.get(atom.GetAtomicNum(), _RADIUS[6]) for atom in mol.GetAtoms()])
    axes = [np.arange(low, high, _STEP) for low, high in zip((xyz.T - radii).min(axis=1), (xyz.T + radii).max(axis=1))]
    power, owner = np.zeros([len(axis) for axis in axes]), np.full([len(axis) for axis in axes], -1)
    for k, (centre, radius) in enumerate(zip(xyz, radii)):
        box = tuple(slice(*np.searchsorted(axis, (c - radius, c + radius))) for axis, c in zip(axes, centre))
        x, y, z = np.ix_(*((axis[cut] - c) ** 2 for axis, cut, c in zip(axes, box, centre)))
        own = x + y + z - radius**2
        nearer = own < power[box]
        power[box][nearer], owner[box][nearer] = own[nearer], k
    return volume * float(inside[owner[owner >= 0]].mean())
