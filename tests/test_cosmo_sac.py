"""COSMO-SAC beside loops over one pair, its sigma profiles, and the values that Hsieh, Lin and Vrabec printed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from sim2real.chemistry.classes import CLASS_NAMES, polymer_class
from sim2real.chemistry.simulators import surfaces
from sim2real.chemistry.simulators.cosmo_sac import BONDING, SIGMA_FACTOR, SIGMA_FACTORS, SurfaceMixtures, bonding_areas
from sim2real.chemistry.simulators.surfaces import GRID, HYDROXYL, OTHER, PLAIN, SigmaProfile, averaged, binned
from sim2real.chemistry.structures import parse, stereo, structure_key
from sim2real.datasets import simulated_pairs
from sim2real.datasets.activity import load_activity_nrtl
from sim2real.datasets.pairs import load_chi_cosmo, load_chi_measured
from sim2real.datasets.simulated_pairs import profile_of, profiled, shipped_profiles, simulate_chi, simulate_ln_gamma

STYRENE, OXYETHYLENE, METHACRYLATE = "*CC(*)c1ccccc1", "*CCO*", "*CC(*)(C)C(=O)OC"
WATER = Path(__file__).parent / "data" / "water.cos"

PRINTED = pd.read_csv(Path(__file__).parent / "data" / "hsieh_2014_table_6.csv", skiprows=1)


def mixtures(first: str, second: str, kelvin: float, **stars: int) -> SurfaceMixtures:
    return SurfaceMixtures.of(([first], [second]), [kelvin], profile_of, **stars)


def slow_ln_gamma(
    first: SigmaProfile, second: SigmaProfile, moles: tuple[float, float], kelvin: float
) -> tuple[float, float, float]:
    """Flory-Huggins', Staverman-Guggenheim's and the residual ln gamma of the first, for one pair, term by term."""
    gas, z = 8.31446261815324 / 4184, 10
    strength = {(1, 1): 4013.78, (2, 2): 932.31, (1, 2): 3016.43, (2, 1): 3016.43}

    def segments(profile: SigmaProfile) -> dict[tuple[int, int], float]:
        found: dict[tuple[int, int], float] = {}
        for kind in range(3):
            for k, area in enumerate(profile.areas[kind]):
                scaled = GRID[k] * SIGMA_FACTOR
                left = int(np.floor(round(scaled / 0.001, 9)))
                for place, share in ((left, left + 1 - scaled / 0.001), (left + 1, scaled / 0.001 - left)):
                    place = int(np.clip(place, -25, 25))
                    bonds = 1 - np.exp(-((place * 0.001) ** 2) / (2 * 0.007**2)) if kind else 1.0
                    found[kind, place] = found.get((kind, place), 0.0) + area * share * bonds
                    found[0, place] = found.get((0, place), 0.0) + area * share * (1 - bonds) * (kind > 0)
        return {segment: area for segment, area in found.items() if abs(area) > 1e-12}

    def energy(one: tuple[int, int], other: tuple[int, int]) -> float:
        m, n = one[1] * 0.001, other[1] * 0.001
        bond = strength.get((one[0], other[0]), 0.0) * (m - n) ** 2 if m * n < 0 else 0.0
        return (6525.69 + 1.4859e8 / kelvin**2) * (m + n) ** 2 - bond

    def ln_gamma(areas: dict[tuple[int, int], float], of: list[tuple[int, int]]) -> dict[tuple[int, int], float]:
        total, gamma = sum(areas.values()), dict.fromkeys(areas, 1.0)
        factor = {m: {n: areas[n] / total * np.exp(-energy(m, n) / (gas * kelvin)) for n in areas} for m in {*areas, *of}}
        for _ in range(400):
            gamma = {m: (gamma[m] + 1 / sum(gamma[n] * factor[m][n] for n in areas)) / 2 for m in areas}
        return {m: -np.log(sum(gamma[n] * factor[m][n] for n in areas)) for m in of}

    a, b = segments(first), segments(second)
    mixed = {s: moles[0] * a.get(s, 0.0) + moles[1] * b.get(s, 0.0) for s in {*a, *b}}
    mixed = {s: area for s, area in mixed.items() if area}
    in_mixture, alone = ln_gamma(mixed, list(a)), ln_gamma(a, list(a))
    residual = sum(a[s] * (in_mixture[s] - alone[s]) for s in a) / 7.25
    r, q = (first.volume / 66.69, second.volume / 66.69), (sum(a.values()) / 79.53, sum(b.values()) / 79.53)
    x = moles[0] / sum(moles), moles[1] / sum(moles)
    phi_x, theta_x = r[0] / (x[0] * r[0] + x[1] * r[1]), q[0] / (x[0] * q[0] + x[1] * q[1])
    return np.log(phi_x) + 1 - phi_x, -z / 2 * q[0] * (np.log(phi_x / theta_x) + 1 - phi_x / theta_x), residual


def test_ln_gamma_equals_loops_over_one_pair():
    pairs = [("CCO", "CCCCCC", 298.15)]
    frame = simulate_ln_gamma(*map(list, zip(*pairs)), method="cosmo-sac")
    for (a, b, kelvin), value in zip(pairs, frame["value"]):
        assert value == pytest.approx(sum(slow_ln_gamma(profile_of(a, 0), profile_of(b, 0), (0.0, 1.0), kelvin)), abs=1e-5)


@pytest.mark.parametrize("fraction", [0.4, 1.0])
def test_chi_is_what_flory_huggins_leaves(fraction):
    pairs = [(OXYETHYLENE, "CC#N", 350.0)]
    frame = simulate_chi(*map(list, zip(*pairs)), method="cosmo-sac", polymer_fraction=fraction)
    for (unit, solvent, kelvin), chi in zip(pairs, frame["value"]):
        a, b = profile_of(solvent, 0), profile_of(unit, 2)
        moles = ((1 - fraction) / a.volume, fraction / b.volume)
        assert chi == pytest.approx(sum(slow_ln_gamma(a, b, moles, kelvin)[1:]) / fraction**2, abs=1e-5)


def test_values_of_the_paper_with_our_own_surfaces():
    """The paper's own profiles may not be shipped, so that this is no test of the last digit: ``scripts/check_cosmo_sac.py`` is."""
    combinatorial, residual, printed = [], [], []
    for solute, solvent, kelvin, comb, res in PRINTED.itertuples(index=False):
        model = mixtures(solute, solvent, kelvin, solute=0, solvent=0)
        whole, own = model.ln_gamma_infinite()["value"].item(), model.residual((np.zeros(1), np.ones(1))).item()
        combinatorial.append(whole - own - comb)
        residual.append(own)
        printed.append(res)
    assert np.abs(combinatorial).max() < 0.02
    # AM1's surfaces are not DFT's: acetonitrile is 2.0 off
    assert np.corrcoef(residual, printed)[0, 1] > 0.95 and np.abs(np.subtract(residual, printed)).max() < 2.0


def test_what_must_be_zero_or_ordered():
    assert simulate_ln_gamma(["CCO"], ["CCO"], [300.0], method="cosmo-sac")["value"].item() == pytest.approx(0, abs=1e-8)
    chi = simulate_chi([STYRENE] * 3, ["Cc1ccccc1", "CCCCCC", "CO"], [298.0] * 3, method="cosmo-sac")["value"]
    assert chi.is_monotonic_increasing
    near = simulate_chi([STYRENE], ["CO"], [298.0], method="cosmo-sac", polymer_fraction=1 - 1e-9)["value"].item()
    assert near == pytest.approx(chi.iloc[2], abs=1e-6)


def test_pairs_keep_their_order_and_long_batches_are_cut(monkeypatch):
    units, solvents = [STYRENE, OXYETHYLENE, METHACRYLATE] * 7, ["O", "CCO", "c1ccccc1", "CC(C)=O", "ClCCl", "CO", "CC#N"] * 3
    kelvin = np.tile([300.0, 350.0], 11)[:21]
    whole = simulate_chi(units, solvents, kelvin, method="cosmo-sac")["value"].to_numpy()
    monkeypatch.setattr("sim2real.chemistry.simulators.mixing.PAIRS_AT_ONCE", 4)
    np.testing.assert_allclose(simulate_chi(units, solvents, kelvin, method="cosmo-sac")["value"], whole, rtol=1e-12)


def test_the_table_holds_what_the_studies_need():
    table = shipped_profiles()
    molecules, units = profiled(0), profiled(2)
    assert len(molecules) + len(units) + sum(isinstance(v, str) for v in table.values()) == len(table)
    assert len(molecules) >= 600 and len(units) >= 340
    twin = load_activity_nrtl().table
    assert set(twin["polymer_key"]) | set(twin["solvent_key"]) <= set(molecules)
    good = [v for v in table.values() if not isinstance(v, str)]
    assert all(v.volume > 20 and (v.areas >= 0).all() and 1 <= v.conformers <= surfaces.CONFORMERS for v in good)
    # a sphere has the smallest surface of its volume; what it screens adds up to about nothing
    assert all(v.areas.sum() > 4.83 * v.volume ** (2 / 3) for k, v in table.items() if "*" not in k and not isinstance(v, str))
    assert max(abs((v.areas.sum(axis=0) * GRID).sum()) for k, v in table.items() if "*" not in k) < 0.06


def test_the_table_holds_every_measured_pair(mirror):
    known = set(profiled(0)) | set(profiled(2))
    for table in (load_chi_measured().table, load_chi_cosmo().table):
        assert {*table["polymer_key"], *table["solvent_key"]} <= known


def test_a_molecule_without_a_profile_needs_mopac(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    new = "CC(F)C(Cl)CC(Br)=O"
    frame = simulate_chi([STYRENE, STYRENE, "*CC", "*CC*"], ["CCO", new, "CCO", "C(("], [300.0] * 4, method="cosmo-sac")
    assert list(frame["reason"]) == [
        "",
        "solvent: MOPAC is not installed (apt-get install mopac, or conda install -c conda-forge mopac)",
        "polymer: structure has 1 attachment points (*); expected 2",
        "solvent: structure is not a readable SMILES; check valences, brackets and ring closures",
    ]
    assert list(frame["value"].isna()) == [False, True, True, True]


def test_a_profile_is_made_once_and_kept(monkeypatch, tmp_path):
    """With a stand-in for MOPAC that always gives the surface of water."""
    command = tmp_path / "mopac"
    command.write_text(f'#!/bin/sh\ncp "{WATER}" m.cos\necho >> "{tmp_path}/calls"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(simulated_pairs, "CACHE", tmp_path)
    monkeypatch.setattr(simulated_pairs, "PROFILES", tmp_path / "none.csv.gz")
    made = profile_of("O", 0)
    calls = (tmp_path / "calls").read_text()
    assert made.volume == pytest.approx(25.18) and made.conformers == 4
    assert made.areas.sum() == pytest.approx(42.45, abs=0.05) and not made.areas[OTHER].any()
    # by hand: MOPAC's charges of the two kinds of atoms, in e, hardly change by averaging
    assert (made.areas[HYDROXYL] * GRID)[GRID < 0].sum() == pytest.approx(-0.19, abs=0.04)
    again = profile_of("[H]O[H]", 0)
    assert (tmp_path / "calls").read_text() == calls
    np.testing.assert_allclose(again.areas, made.areas, atol=0.006)
    command.write_text("#!/bin/sh\nexit 1\n")
    assert simulate_ln_gamma(["O"], ["C"], [300.0], method="cosmo-sac")["reason"].item() == "solvent: MOPAC gave no surface"


def test_averages_equal_loops():
    rng = np.random.default_rng(0)
    points, charge, area = rng.normal(size=(300, 3)), rng.normal(size=300) * 0.01, rng.uniform(0.2, 0.6, 300)
    fast = averaged(points, charge, area)
    for m in (0, 150, 299):
        top = bottom = 0.0
        for n in range(300):
            r2, whole = area[n] / np.pi, 7.25 / np.pi
            d2 = sum((points[m] - points[n]) ** 2)
            weight = r2 * whole / (r2 + whole) * np.exp(-3.57 * d2 / (r2 + whole))
            top, bottom = top + weight * charge[n] / area[n], bottom + weight
        assert fast[m] == pytest.approx(top / bottom)


def test_bins_keep_area_and_charge():
    sigma, area = np.array([-0.0123, 0.0, 0.00049, 0.0249, 0.03]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = binned(sigma, area)
    assert found.sum() == pytest.approx(15) and found @ GRID == pytest.approx(np.clip(sigma, -0.025, 0.025) @ area)
    assert found[-1] == pytest.approx(5 + 4 * 0.9)
    areas = np.zeros((3, len(GRID)))
    areas[HYDROXYL, 39] = 2.0  # 0.014 e/A^2
    kept = bonding_areas(areas, 1.0).reshape(3, -1)
    assert kept[HYDROXYL, 39] == pytest.approx(2 * (1 - np.exp(-(0.014**2) / (2 * BONDING**2))))
    assert kept[:, 39].sum() == pytest.approx(2.0) and kept.sum() == pytest.approx(2.0) and kept[PLAIN, 39] > 0
    assert SIGMA_FACTOR in SIGMA_FACTORS


def test_a_repeat_unit_is_a_capped_trimer_with_its_stereochemistry():
    trimer = surfaces.capped(parse("*C[C@H](*)C"))
    assert Chem.MolToSmiles(Chem.RemoveHs(trimer), isomericSmiles=False) == "CCC(C)CC(C)CC(C)C"
    counts = np.bincount([atom.GetIntProp("unit") for atom in trimer.GetAtoms()])
    assert list(counts) == [8, 9, 9, 9], "two methyl groups, and three units of C3H6"
    sugar = "*O[C@H]1[C@H](O)[C@@H](O)[C@H](*)O[C@@H]1CO"
    chain = Chem.MolToSmiles(Chem.RemoveHs(surfaces.capped(parse(sugar))))
    assert sorted(stereo(chain)) == sorted(3 * stereo(Chem.MolToSmiles(parse(sugar)).replace("*", "C")))
    assert structure_key(Chem.MolToSmiles(Chem.RemoveHs(surfaces.capped(parse("CCO"))))) == "CCO"


def test_classes_of_donors_and_acceptors():
    mol = surfaces.capped(parse("OCC(=O)NC(F)S"))
    by_atom = [(a.GetSymbol(), kind) for a, kind in zip(mol.GetAtoms(), surfaces.bonding_classes(mol))]
    assert by_atom[:8] == [("O", 1), ("C", 0), ("C", 0), ("O", 2), ("N", 2), ("C", 0), ("F", 2), ("S", 0)]
    assert [kind for symbol, kind in by_atom if symbol == "H"].count(1) == 1
    assert [kind for symbol, kind in by_atom if symbol == "H"].count(2) == 1


def test_the_library_of_polymers_is_of_all_classes():
    found = {polymer_class(unit) for unit in profiled(2)}
    assert found == set(CLASS_NAMES)


def test_profile_of_one_structure_is_that_of_every_cut():
    assert profile_of("*COC*", 2) is profile_of("*CCO*", 2)
