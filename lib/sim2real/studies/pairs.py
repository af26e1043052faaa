"""Pairs of two molecules: polymer-solvent chi in the edition ``open``, activity coefficients of small molecules in ``embedded``.

No measured chi may be embedded. The embedded twin predicts ln gamma at infinite dilution, from NRTL parameters that were fitted to
measured equilibria, with original UNIFAC as the simulator. UNIFAC's parameters were fitted to such equilibria too: source and
target are not independent, and the twin shows the machinery, not chi.
"""

from __future__ import annotations

from sim2real.datasets import activity, chi_unifac
from sim2real.datasets.pairs import load_chi_cosmo, load_chi_measured
from sim2real.datasets.task import Task
from sim2real.studies.presets import Settings
from sim2real.studies.sides import SOURCE_SEED, Sides, limit_source, limit_target

# rule -> column whose groups a split never tears apart: one pair's temperatures or the two directions of a mixture; nothing (the
# paper's choice, which leaks); a solvent; a polymer, or in ``embedded`` a solute
SPLITS = {"pair": "pair", "row": "", "solvent": "solvent_key", "polymer": "polymer_key"}


def embedded_pairs(settings: Settings, **_: str) -> Sides:
    """ln gamma by UNIFAC of ``n_max`` pairs beside the target's own, and ln gamma from NRTL."""
    target = limit_target(activity.load_activity_nrtl(), settings.preset.target_max)
    source = activity.load_activity_unifac(settings.n_max, seed=SOURCE_SEED)
    return Sides(source, target, activity.simulated_target(target))


def public_pairs(settings: Settings, *, simulator: str, **_: str) -> Sides:
    """Measured chi, and ``n_max`` rows of COSMO-RS (1,206, or the paper's 9,575 in ``cosmo-full``), or pairs by UNIFAC 2.0."""
    measured = load_chi_measured()
    if simulator != "unifac":
        return own_pairs(load_chi_cosmo(full=simulator == "cosmo-full"), measured, settings)
    target = limit_target(measured, settings.preset.target_max)
    source = chi_unifac.load_chi_unifac(settings.n_max, seed=SOURCE_SEED, measured=target)
    return Sides(source, target, chi_unifac.simulated_target(target))


def own_pairs(source: Task, target: Task, settings: Settings) -> Sides:
    """Two tables of chi: the simulated value of a measured row is that of the same pair and temperature, NaN without one."""
    target = limit_target(target, settings.preset.target_max)
    values = source.table.set_index(["key", "temperature"])["value"]
    values = values[~values.index.duplicated()]
    own = values.reindex(list(zip(target.table["key"], target.table["temperature"]))).to_numpy()
    return Sides(limit_source(source, settings.n_max), target, own)
