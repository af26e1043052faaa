"""Units by name: what a column says its unit is, turned into the property's own unit."""

from __future__ import annotations

from sim2real.datasets.task import DataError, Property

_CONDUCTIVITY = {"W/(m K)": 1.0, "mW/(m K)": 1e-3, "W/(cm K)": 1e2, "W m^-1 K^-1": 1.0}
# property -> unit -> factor to the property's own unit. 1 cal = 4.184 J is the thermochemical calorie (ISO 31-4, annex B).
_FACTORS: dict[str, dict[str, float]] = {
    "refractive_index": {"-": 1.0, "1": 1.0},
    "chi": {"-": 1.0, "1": 1.0},
    "density": {"g/cm^3": 1.0, "g/cc": 1.0, "g/mL": 1.0, "kg/L": 1.0, "kg/m^3": 1e-3},
    "heat_capacity": {"J/(kg K)": 1.0, "J/(g K)": 1e3, "kJ/(kg K)": 1e3, "cal/(g K)": 4184.0},
    "thermal_conductivity": _CONDUCTIVITY,
    "total_thermal_conductivity": _CONDUCTIVITY,
    "electrical_conductivity": {"S/m": 1.0, "S/cm": 1e2, "S m^-1": 1.0, "S cm^-1": 1e2, "1/(ohm m)": 1.0, "1/(ohm cm)": 1e2},
}
_IGNORED = str.maketrans("³", "3", " ()*^·")


def factor(unit: str, property: Property) -> float:
    """What a value in ``unit`` is multiplied by to give the property's own unit.

    Blanks, brackets, dots, stars and carets do not matter: ``W/mK``, ``W/(m K)`` and ``W/(m·K)`` are one unit.

    Raises:
        DataError: no such unit of that property; the message lists the known ones.
    """
    known = _FACTORS.get(property.name, {property.unit: 1.0})
    by_spelling = {_spelling(name): value for name, value in known.items()}
    if _spelling(unit) not in by_spelling:
        raise DataError(f"{unit!r} is no unit of {property.name}; expected {' or '.join(known)}")
    return by_spelling[_spelling(unit)]


def _spelling(unit: str) -> str:
    return str(unit).translate(_IGNORED)
