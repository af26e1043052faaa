"""UNIFAC in batches beside thermo's own object, and the groups of molecules and repeat units."""

from __future__ import annotations

import os
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from rdkit import Chem
from thermo import unifac
from thermo.unifac import UF2IP, UFIP, UFSG, UNIFAC

from sim2real.chemistry.simulators import unifac_groups as groups
from sim2real.chemistry.simulators.unifac import MISSING_PARAMETER
from sim2real.chemistry.simulators.unifac_groups import NoGroups, cover, groups_of
from sim2real.chemistry.structures import oligomer, parse
from sim2real.datasets.drawn_pairs import draw_molecules, listed_molecules
from sim2real.datasets.simulated_pairs import simulate_chi, simulate_ln_gamma

pytestmark = pytest.mark.xdist_group("unifac")  # what is made once for all is made by one process

needs_mirror = pytest.mark.skipif(not os.environ.get("SIM2REAL_DATA_MIRROR"), reason="SIM2REAL_DATA_MIRROR is not set")

PARAMETERS = {"unifac": UFIP, "unifac 2.0": UF2IP}
STYRENE, OXYETHYLENE, ETHYLENE, VINYL_ALCOHOL = "*CC(*)c1ccccc1", "*CCO*", "*CC*", "*CC(*)O"
SILOXANE, BUTADIENE, METHACRYLATE = "*O[Si](*)(C)C", "*CC=CC*", "*CC(*)(C)C(=O)OC"


def named(counts: dict[int, int]) -> dict[str, int]:
    return {UFSG[group].group: count for group, count in counts.items()}


def thermo_ln_gamma(first: dict, second: dict, x: float, T: float, version: str) -> float:
    """The first partner's ln gamma at its mole fraction x, by thermo's object."""
    model = UNIFAC.from_subgroups(
        chemgroups=[first, second], T=T, xs=[x, 1 - x], version=0, interaction_data=PARAMETERS[version], subgroups=UFSG
    )
    return float(model.lngammas_c()[0] + model.lngammas_r()[0])


def mains(counts: dict) -> set[int]:
    return {UFSG[g].main_group_id for g in counts}


@pytest.fixture(scope="module")
def molecules() -> np.ndarray:
    return draw_molecules(60, 1, 10)


@pytest.mark.parametrize("version", ["unifac", "unifac 2.0"])
def test_batch_equals_thermos_object_pair_by_pair(molecules, version):
    rng = np.random.default_rng(3)
    solutes, solvents = rng.permutation(molecules), rng.permutation(molecules)
    kelvin = rng.choice([250.0, 298.15, 333.0], size=len(solutes))
    frame = simulate_ln_gamma(solutes, solvents, kelvin, method=version)
    compared = 0
    for a, b, T, value, reason in zip(solutes, solvents, kelvin, frame["value"], frame["reason"]):
        both = groups_of(a, 0), groups_of(b, 0)
        together = mains(both[0]) | mains(both[1])
        lacking = any(n not in PARAMETERS[version][m] for m in together for n in together if m != n)
        assert lacking == (reason == MISSING_PARAMETER) == np.isnan(value)
        if not lacking:
            compared += 1
            assert value == pytest.approx(thermo_ln_gamma(*both, 1e-11, T, version), abs=1e-7)
    assert compared > 15 and (version == "unifac" or compared == len(solutes))


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.999999])
def test_chi_is_what_flory_huggins_leaves_of_thermos_activity(fraction):
    units = [STYRENE, OXYETHYLENE, SILOXANE, VINYL_ALCOHOL, BUTADIENE]
    solvents = ["Cc1ccccc1", "O", "CCCCCC", "CCO", "ClC(Cl)Cl"]
    frame = simulate_chi(units, solvents, [300.0, 350.0, 300.0, 400.0, 320.0], polymer_fraction=fraction)
    for unit, solvent, T, chi in zip(units, solvents, [300.0, 350.0, 300.0, 400.0, 320.0], frame["value"]):
        first, second = groups_of(solvent, 0), {g: 50 * n for g, n in groups_of(unit, 2).items()}  # a chain of fifty units
        r = [sum(UFSG[g].R * n for g, n in one.items()) for one in (first, second)]
        moles = np.array([(1 - fraction) / r[0], fraction / r[1]])
        x = moles[0] / moles.sum()
        ratio = (1 - fraction) / x
        ln_gamma = thermo_ln_gamma(first, second, x, T, "unifac 2.0")
        assert chi == pytest.approx((ln_gamma - np.log(ratio) - 1 + ratio) / fraction**2, abs=2e-6)


def chi_of(polymer: str, solvent: str, temperature: float) -> float:
    return simulate_chi([polymer], [solvent], [temperature])["value"].item()


def test_chi_at_a_trace_of_solvent_is_the_limit():
    near = simulate_chi([STYRENE], ["CC(C)=O"], [300.0], polymer_fraction=1 - 1e-9)["value"].item()
    assert chi_of(STYRENE, "CC(C)=O", 300.0) == pytest.approx(near, abs=1e-6)


def test_what_must_be_zero_or_ordered():
    # a molecule in itself is ideal; like dissolves like
    assert simulate_ln_gamma(["CCO"], ["CCO"], [300.0])["value"].item() == pytest.approx(0, abs=1e-12)
    assert chi_of(STYRENE, "Cc1ccccc1", 298.0) < chi_of(STYRENE, "CCCCCC", 298.0) < chi_of(STYRENE, "CO", 298.0)


def test_pairs_keep_their_order_and_long_batches_are_cut(monkeypatch):
    units, solvents = [STYRENE, OXYETHYLENE, ETHYLENE] * 7, ["O", "CCO", "c1ccccc1", "CCCC", "CC(C)=O", "ClCCl", "CO"] * 3
    kelvin = np.tile([300.0, 350.0], 11)[:21]
    whole = simulate_chi(units, solvents, kelvin)["value"].to_numpy()
    monkeypatch.setattr("sim2real.chemistry.simulators.mixing.PAIRS_AT_ONCE", 4)
    np.testing.assert_allclose(simulate_chi(units, solvents, kelvin)["value"], whole, rtol=1e-13)
    single = [chi_of(u, s, T) for u, s, T in zip(units, solvents, kelvin)]
    np.testing.assert_allclose(single, whole, rtol=1e-12)


def test_structures_without_groups_are_nan_with_a_reason():
    frame = simulate_chi(
        [STYRENE, "*CC(*)C(=O)NC(C)C", "*CC", STYRENE, STYRENE],
        ["CCO", "CCO", "CCO", "CP(C)C", "not a molecule"],
        [300.0] * 5,
    )
    assert list(frame["reason"]) == [
        "",
        "polymer: atoms that no UNIFAC group holds",
        "polymer: structure has 1 attachment points (*); expected 2",
        "solvent: atoms that no UNIFAC group holds",
        "solvent: structure is a name, a formula or a number; write the SMILES, of a repeat unit with two *",
    ]
    assert list(frame["value"].isna()) == [False, True, True, True, True]
    assert simulate_chi(["*CC"], ["CCO"], [300.0])["value"].isna().all() and simulate_chi([], [], []).empty


def test_wrong_calls_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"temperature 25 of pair 1 is not within 200 to 600 K; it may be in deg C: add 273.15"):
        simulate_chi([STYRENE] * 2, ["CCO"] * 2, [298.15, 25.0])
    with pytest.raises(ValueError, match="not within 200 to 600 K"):
        simulate_ln_gamma(["CCO"], ["O"], [float("nan")])
    with pytest.raises(ValueError, match="1 solvents, 2 polymers and 2 temperatures; expected as many of each"):
        simulate_chi([STYRENE] * 2, ["CCO"], [300.0, 300.0])
    with pytest.raises(ValueError, match="unknown method 'dortmund'; expected unifac or unifac 2.0 or cosmo-sac"):
        simulate_ln_gamma(["CCO"], ["O"], [300.0], method="dortmund")
    with pytest.raises(ValueError, match="polymer_fraction"):
        simulate_chi([STYRENE], ["CCO"], [300.0], polymer_fraction=0.0)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (ETHYLENE, {"CH2": 2}),
        (STYRENE, {"CH2": 1, "ACCH": 1, "ACH": 5}),
        (OXYETHYLENE, {"CH2": 1, "CH2O": 1}),
        (BUTADIENE, {"CH2": 2, "CH=CH": 1}),
        (VINYL_ALCOHOL, {"CH2": 1, "CH": 1, "OH": 1}),
        (METHACRYLATE, {"CH3": 2, "CH2": 1, "C": 1, "COO": 1}),
        ("*CC(*)Cl", {"CH2": 1, "CHCL": 1}),
        ("*CC(*)OC(C)=O", {"CH2": 1, "CH": 1, "CH3COO": 1}),
        (SILOXANE, {"CH3": 2, "SIO": 1}),
    ],
)
def test_groups_of_known_repeat_units(unit, expected):
    assert named(groups_of(unit, 2)) == expected


@pytest.mark.parametrize("cuts", [("*CCO*", "*OCC*", "*COC*"), ("*CC(*)Cl", "*C(Cl)C*"), ("*CC=CC*", "*C=CCC*")])
def test_groups_do_not_depend_on_the_cut(cuts):
    assert len({tuple(sorted(groups_of(cut, 2).items())) for cut in cuts}) == 1


@pytest.mark.parametrize("unit", [STYRENE, OXYETHYLENE, METHACRYLATE, SILOXANE, "*OCCOC(=O)c1ccc(cc1)C(*)=O", "*CC(*)Cl"])
def test_one_unit_more_in_a_longer_chain_is_the_same(unit):
    longer, shorter = (cover(oligomer(parse(unit), units)) for units in (6, 5))
    assert groups_of(unit, 2) == dict(Counter(longer) - Counter(shorter))


def every_cover(mol: Chem.Mol) -> list[list[int]]:
    """All covers, each as the ranks of its matches: slow and obvious."""
    matches = groups._matches(mol)
    found = []
    for size in range(1, mol.GetNumAtoms() + 1):
        for chosen in combinations(range(len(matches)), size):
            atoms = [a for k in chosen for a in matches[k][1]]
            if len(atoms) == len(set(atoms)) == mol.GetNumAtoms():
                found.append(list(chosen))
    return found


SMALL = ("CCO", "CC(=O)OC", "CCOC", "CN(C)CC", "C1CCOC1", "ClC(Cl)C", "OCCOC", "C=CCO", "CC(=O)CC", "CC=O")


@pytest.mark.parametrize("smiles", SMALL)
def test_cover_is_the_first_of_all_in_the_order_of_priority(smiles):
    mol = parse(smiles)
    best = min(every_cover(mol))
    assert cover(mol) == dict(Counter(groups._matches(mol)[k][0] for k in best))


def test_patterns_agree_with_the_published_assignment():
    listed = listed_molecules(14).sample(400, random_state=1)
    same = compared = 0
    for smiles in listed["smiles"]:
        mol = Chem.MolFromSmiles(smiles)
        published = groups.listed_groups(Chem.MolToInchiKey(mol))
        if published is None or groups._atoms_of(published) != groups._formula(mol):
            continue
        compared += 1
        try:
            same += cover(mol) == published
        except NoGroups:
            pass
    assert compared > 350 and same > 0.95 * compared


def test_search_for_a_cover_is_limited():
    with pytest.raises(NoGroups, match="step limit"):
        cover(parse("CCCCO"), max_steps=0)
    with pytest.raises(NoGroups, match="too large"):
        groups_of("C" * (groups.MAX_ATOMS + 1), 0)
    # both ether groups need the one methylene between them
    with pytest.raises(NoGroups, match="overlap"):
        cover(parse("CC(C)(C)OCOC(C)(C)C"))


def test_parameters_are_complete_in_the_new_model_and_not_in_the_old():
    ids = sorted({s.main_group_id for s in UFSG.values()})
    assert all(n in UF2IP[m] for m in ids for n in ids if m != n)
    assert any(n not in UFIP[m] for m in ids for n in ids if m != n)
    assert not unifac.UF2IP.get(1, {}).get(1)


@needs_mirror
def test_measured_pairs_that_can_be_simulated_and_how_well_they_rank():
    from sim2real.datasets.pairs import load_chi_measured

    table = load_chi_measured().table
    frame = simulate_chi(list(table["polymer"]), list(table["solvent"]), list(table["temperature"]))
    assert frame["value"].notna().sum() == 1152
    assert table["value"].corr(frame["value"], method="spearman") == pytest.approx(0.706, abs=0.005)
