"""Scaling laws of simulation-to-real transfer learning in materials databases.

    import sim2real as s2r
    print(s2r.ask("md.csv", "polyinfo.csv", structure="smiles", value="density", unit="g/cm3", property="density"))

    study = s2r.study("md.csv", "polyinfo.csv", structure="smiles", value="density", unit="g/cm3", property="density")
    curve = s2r.learning_curve(s2r.run_trials(study, trials=30))
    print(curve.verdict); curve.law; s2r.table(curve); s2r.plot(curve)

Examples that need no table:

    >>> import sim2real as s2r
    >>> law = s2r.fit_power_law([100, 300, 1000, 3000], [0.08, 0.06, 0.05, 0.044])  # errors against numbers of simulations
    >>> f"{law.alpha:.2f} {law.C:.3f}"  # how fast the error falls, and what it does not go below
    '0.57 0.038'
    >>> round(law.n_for(0.042).value, -2)  # how many simulations an error of 0.042 takes
    6700.0

    >>> made = s2r.simulate_polymers(["*CC(*)c1ccccc1", "*CCO*"])  # density in g/cm3, heat capacity in J/(kg K), at 300 K
    >>> made["density"].round(2).tolist()
    [1.07, 1.05]

    >>> import pandas as pd
    >>> errors = pd.DataFrame({"n": [100, 300, 1000, 3000], "error": [0.08, 0.06, 0.05, 0.044]})
    >>> print(str(s2r.bare_curve(errors).verdict).splitlines()[-1])
    It takes 6 trials or more to tell any of this.

    >>> prices = s2r.Prices(simulation=1, measurement=20)
    >>> float(prices.of(1000, 10))  # what 1,000 simulations and 10 measurements cost
    1200.0

What is named here is what you can build on; other modules may move. Each name is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sim2real.chemistry.descriptors import ELEMENT_TABLES

__version__ = "0.1.0"

# name -> where it is; a name of its own after the colon
_HOMES = {
    "Allocation": "laws.design",
    "Answer": "studies.ask",
    "Curve": "laws.curve",
    "Design": "training.study",
    "PowerLaw": "laws.power",
    "Predictor": "studies.predictor",
    "Prices": "laws.design",
    "Run": "studies.run",
    "ScalingSurface": "laws.surface",
    "Study": "training.study",
    "Task": "datasets.task",
    "Trials": "training.study",
    "allocate": "laws.design",
    "allocate_classes": "laws.design",
    "ask": "studies.ask",
    "bare_curve": "laws.bare",
    "classes": "laws.classes",
    "compare_arms": "laws.arms",
    "error_surface": "laws.grid",
    "figures": "figures",
    "fit_power_law": "laws.power",
    "fit_surface": "laws.surface",
    "forms": "laws.forms",
    "learning_curve": "laws.curve",
    "load_study": "studies.cases",
    "plot": "studies.show",
    "read_table": "datasets.tables",
    "replay": "studies.growth",
    "run_estimator": "training.estimators",
    "run_trials": "studies.own:run_study",
    "save": "studies.show:write",
    "simulate_chi": "datasets.simulated_pairs",
    "simulate_polymers": "chemistry.simulators.polymer",
    "stop_or_go": "laws.classes",
    "study": "studies.own",
    "table": "studies.show",
    "tables": "figures.tables",
}
_MODULES = ("figures", "tables")

# XenonPy's features of elements, a public file; here because chemistry knows no downloads
ELEMENT_TABLES["xenonpy"] = lambda: import_module("sim2real.datasets.sources").fetch("xenonpy")

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, own = _HOMES[name].partition(":")
    home = import_module(f"{__name__}.{module}")
    return home if name in _MODULES else getattr(home, own or name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
