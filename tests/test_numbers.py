"""Numbers, units and temperatures as people write them."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from sim2real import read_table
from sim2real.datasets.numbers import ABOUT, RANGE, Numbers
from sim2real.datasets.task import DataError, DataWarning, get_property
from sim2real.datasets.units import conversion, same_unit, temperature_unit, to_kelvin
from sim2real.datasets.values import INVERTED


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("−78.5", -78.5),
        ("–0.12", -0.12),
        ("— 0.12", -0.12),
        ("－０．１２", -0.12),
        ("0.37 ± 0.02", 0.37),
        ("0.37+/-0.02", 0.37),
        ("0.37 ± 5 %", 0.37),
        ("25 °C ± 1 °C", 25),
        ("0.92(2)", 0.92),
        ("0.920 (15)", 0.92),
        ("1.05×10^5", 1.05e5),
        ("1.05 x 10**5", 1.05e5),
        ("1.05·10⁻⁵", 1.05e-5),
        ("(1.05 ± 0.02)×10^5", 1.05e5),
        ("1.05 ± 0.02 ×10^5", 1.05e5),
        ("1.05e5 ± 0.02e5", 1.05e5),
        ("10^5", 1e5),
        ("1,05E+05", 1.05e5),
        ("25 °C", 25),
        ("25°C", 25),
        ("25 (°C)", 25),
        ("35 400", 35400),
        ("1\u202f050,5", 1050.5),
        ("1'050.5", 1050.5),
        ("1,234,567", 1234567),
        ("1.234.567,8", 1234567.8),
        ("0,123", 0.123),
        (".5", 0.5),
        ("1.05 (± 0.02)", 1.05),
        ("1.05 ( +/- 0.02 )", 1.05),
        ("1.05 [±0.02]", 1.05),
        ("12,50,000.5", 1250000.5),  # as in India
        ("206...210", 208),
        ("195…205", 200),
        ("19.5..20.5", 20),
        ("195 .. 205", 200),
        ("1e4-3e4", 2e4),
        ("1×10^4 - 3×10^4", 2e4),
        (b"0.92", 0.92),
        (np.float32(0.5), 0.5),
        (7, 7),
    ],
)
def test_numbers(text, number):
    assert Numbers(same_unit=lambda unit: same_unit(unit, "degC")).read(text) == pytest.approx(number)


def test_values_taken_by_a_rule_are_counted():
    numbers = Numbers()
    read = {
        text: numbers.read(text)
        for text in (
            "~0.9",
            "ca. 0.9",
            "≈ 0.9",
            "0.8-0.9",
            "0.8 – 0.9",
            "0.8 to 0.9",
            "−78 – −70",
            "1e-3–2e-3",
            "0.8~0.9",
            "0.8〜0.9",
        )
    }
    assert list(read.values()) == pytest.approx([0.9, 0.9, 0.9, 0.85, 0.85, 0.85, -74, 1.5e-3, 0.85, 0.85])
    assert numbers.taken == {ABOUT: 3, RANGE: 7}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("< 0.1", "is a limit"),
        ("≥ 3", "is a limit"),
        ("below 0.1", "is a limit"),
        ("n.a.", "says that there is no value"),
        ("–", "says that there is no value"),
        ("not measured", "says that there is no value"),
        ("1_000", "is not a number"),
        ("1.05 [12]", r"has '\[12\]' behind the number"),
        ("0.92¹", "is not a number"),
        ("0.92₁", "is not a number"),
        ("0.92**", "is not a number"),
        ("0.9-0.8", "nor a range from low to high"),
        ("1..05", "is not a number"),
        ("0..92", "is not a number"),
        ("0 925", "is not a number"),
        ("0'925", "is not a number"),
        ("1-5e4", "is a range with a power of ten at one end only"),
        ("1-5×10^4", "is a range with a power of ten at one end only"),
        ("1.05×105", "is not a number"),
        ("0.92 (DSC)", "behind the number"),
        ("300 K", "'K' behind the number, which is not the column's unit"),
        ("=B2*10", "is a formula"),
        (datetime.date(2020, 2, 3), "is a date"),
        (True, "is not a number"),
    ],
)
def test_what_is_dropped_says_why(text, reason):
    with pytest.raises(ValueError, match=reason):
        Numbers(same_unit=lambda unit: same_unit(unit, "g/cm3")).read(text)


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["0,37", "1,050", "12,5"], [0.37, 1.05, 12.5]),
        (["1,050", "35,400", "950.5"], [1050, 35400, 950.5]),
        (["1,234,567", "1,250"], [1234567, 1250]),
        (["1.050", "1.180"], [1.05, 1.18]),
        (["1.050", "0.92"], [1.05, 0.92]),
        (["1.234.567", "1.250", "3,5"], [1234567, 1250, 3.5]),
        (["0.37", "0,42"], [0.37, 0.42]),
        (["1 050", "1,250.5"], [1050, 1250.5]),
        ([1050.0, "0,5", 850], [1050, 0.5, 850]),
    ],
)
def test_the_cells_of_a_column_say_what_a_comma_is(cells, read):
    numbers = Numbers.of("t", enumerate(cells, 2))
    assert [numbers.read(cell) for cell in cells] == pytest.approx(read)


@pytest.mark.parametrize(
    "cells",
    [["81,600", "1,250", "950"], ["1,050"], ["1,050", "1.180"], ["1,050", "0,37", "0.42"], ["1.050", "0,92"], [950.5, "1,250"]],
)
def test_a_column_that_may_mean_two_things_is_refused_with_both(cells):
    with pytest.raises(DataError, match="may be .* or .*; write decimal = ") as caught:
        Numbers.of("t.tsv, column 'sigma'", enumerate(cells, 2))
    assert "\n" not in str(caught.value)
    comma, point = (Numbers.of("t", enumerate(cells, 2), decimal=sign) for sign in ",.")
    doubtful = next(cell for cell in cells if isinstance(cell, str) and len(cell.replace(".", ",").partition(",")[2]) == 3)
    assert {comma.read(doubtful), point.read(doubtful)} == {
        float(doubtful.replace(",", ".")),
        float(doubtful.translate({44: "", 46: ""})),
    }


def test_other_columns_tell_that_points_stand_between_thousands():
    frame = pd.DataFrame({"f": ["Bi2Te3", "PbTe"], "sigma": ["81.600", "1.250"], "T": ["300,5", "300,0"]})
    options = {"structure": "f", "value": "sigma", "unit": "S/m", "property": "electrical_conductivity", "kind": "composition"}
    with pytest.raises(DataError, match="'81.600' .line 0. may be 81600 or 81.6"):
        read_table(frame, **options)
    assert sorted(read_table(frame, **options, decimal=",").y) == [1250, 81600]
    assert sorted(read_table(frame.drop(columns="T"), **options).y) == [1.25, 81.6]


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_thousands_in_a_text(tmp_path, separator):
    rows = [("composition", "sigma (S/m)"), ("Bi2Te3", "1,050"), ("PbTe", "35,400"), ("SnSe", "1,200"), ("Mg2Si", "850")]
    path = tmp_path / "t.tsv"
    path.write_text("\n".join(separator.join(row) for row in rows))
    options = {"structure": "composition", "value": "sigma (S/m)", "unit": "S/m", "kind": "composition"}
    with pytest.raises(DataError, match=r"t.tsv, column 'sigma \(S/m\)': '1,050' \(line 2\) may be 1050 or 1.05"):
        read_table(path, **options)
    task = read_table(path, **options, decimal=".")
    assert dict(zip(task.table["structure"], task.y)) == {"Bi2Te3": 1050, "PbTe": 35400, "SnSe": 1200, "Mg2Si": 850}


KAPPA, SIGMA = "total_thermal_conductivity", "electrical_conductivity"


@pytest.mark.parametrize(
    ("name", "factor", "spellings"),
    [
        (
            KAPPA,
            1,
            "W/m/K|W/m-K|W m⁻¹ K⁻¹|W·m−1·K−1|W m^-1 K^-1|W/mK|W/m K|W/m·K|W.m-1.K-1|Wm-1K-1|W/(m·°C)|W/m°C|W*m^(-1)*K^(-1)|W/[m K]"
            "|W per m K|W/(m.K)|W m^{-1} K^{-1}|W m−1 °C−1|watt/(meter kelvin)|W/K/m",
        ),
        (KAPPA, 1e-3, "mW/mK|mW m-1 K-1|mW/(m·K)"),
        (KAPPA, 100, "W/(cm K)|W/cm/K|W cm⁻¹ K⁻¹"),
        (KAPPA, 418.4, "cal/(s cm °C)|cal/cm s C|cal cm-1 s-1 degC-1"),
        (SIGMA, 1, "S/m|S m⁻¹|Ω^-1 m^-1|(Ω m)^-1|(ohm m)^-1|1/(ohm m)|1/Ωm|ohm^(-1)*m^(-1)|Ω⁻¹·m⁻¹|S.m-1"),
        (SIGMA, 100, "S/cm|S cm⁻¹|S·cm−1|Scm-1|1/(ohm cm)|Ω-1cm-1|mho/cm|1/ohm cm"),
        (SIGMA, 1e6, "MS/m"),
        (SIGMA, 0.1, "mS/cm"),
        (SIGMA, 1e5, "10^5 S/m|1e5 S/m|x10^5 S/m|×10⁵ S/m|S/m x 10^5|S/m ×10^5|*10^5 S/m|(10^5 S/m)"),
        (SIGMA, 1, r"$\Omega^{-1}$m$^{-1}$|Siemens per meter|A/(V m)|(Ω·m)-1"),
        ("density", 1e-3, "kg/m3|Kg/m3|kg m-3|kg/m³|kg·m^-3|mg/mL|g/L"),
        ("density", 1, "gm/cc|gr/cm3|g/ccm|g per cm3|grams/cm3|$g/cm^3$|Mg/m3|g/cm3|g cm⁻³|gcm-3|g/cc|g/mL|g/ml|kg/L|t/m3|g·cm^-3"),
        ("density", 0.01601846337396, "lb/ft3"),
        ("heat_capacity", 1000, "J/(g K)|J/g/K|J g-1 K-1|J/gK|kJ/(kg·K)|kJ/kg-K|J·g⁻¹·°C⁻¹"),
        ("heat_capacity", 4184, "cal/(g K)|cal/g/C|cal/g°C|kcal/(kg K)"),
        ("chi", 1, "-|1||dimensionless"),
    ],
)
def test_spellings_of_units(name, factor, spellings):
    found = {unit: conversion(unit, get_property(name))(1.0) for unit in spellings.split("|")}
    assert found == pytest.approx(dict.fromkeys(found, factor), rel=1e-10)


@pytest.mark.parametrize(
    ("unit", "given", "expected"),
    [
        ("ohm m", 1e-5, 1e5),
        ("uohm cm", 100, 1e6),
        *(
            (unit, 100, 1e6)
            for unit in "micro-ohm cm|micro ohm cm|microohm-cm|micro-Ω cm|1e-8 ohm m|10-8 Ω m|×10^-8 Ω m".split("|")
        ),
        *((unit, 5, 1e5) for unit in "Log10(S/m)|log_10(S/m)|log₁₀(S/m)|log(σ, S/m)|log10(σ [S/m])|LOG(S/m)".split("|")),
        ("µΩ·cm", 100, 1e6),
        ("μΩ-cm", 100, 1e6),
        ("mΩ cm", 1, 1e5),
        ("log10(S/m)", 5, 1e5),
        ("log S/cm", 3, 1e5),
        ("log10(σ / (S/cm))", 3, 1e5),
        ("ln(S/m)", np.log(1e5), 1e5),
        ("log10(ohm m)", -5, 1e5),
    ],
)
def test_resistivities_and_logarithms(unit, given, expected):
    assert conversion(unit, get_property(SIGMA))(given) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unit", "name"), [("W/(m K)", SIGMA), ("S/m", KAPPA), ("J/(mol K)", "heat_capacity"), ("acre", "density"), ("K", "chi")]
)
def test_units_of_something_else(unit, name):
    with pytest.raises(DataError, match=rf"is no unit of {name}; expected "):
        conversion(unit, get_property(name))


def test_temperatures():
    assert {temperature_unit(u) for u in ("°C", "deg C", "degC", "℃", "C", "Celsius", "deg. C")} == {"degC"}
    assert {temperature_unit(u) for u in ("K", "kelvin", "Kelvin")} == {"K"} and temperature_unit("g/cm3") == temperature_unit(
        "F"
    ) == ""
    assert to_kelvin(25.0, "degC") == pytest.approx(298.15) and to_kelvin(77.0, "degF") == pytest.approx(298.15)
    np.testing.assert_allclose(to_kelvin(np.array([0.0, 32.0]), "degF"), [255.372222, 273.15])


ALLOY = {"structure": "f", "value": "v", "property": SIGMA, "kind": "composition"}


def test_a_unit_a_row_and_inverted_resistivities():
    rows = [("Bi2Te3", 1e3, "S cm⁻¹"), ("PbTe", "1×10^5", "ohm^(-1)*m^(-1)"), ("SnSe", 1e-3, "ohm*cm"), ("Cu", 1, "acres")]
    frame = pd.DataFrame(rows, columns=["f", "v", "unit"])
    with pytest.warns(DataWarning, match="line 3, column unit: 'acres': is no unit of electrical_conductivity"):
        task = read_table(frame, **ALLOY, unit_column="unit")
    np.testing.assert_allclose(task.y, 1e5)
    assert task.report[INVERTED] == 1 and task.report["materials"] == 3


LOGARITHMS = (
    "Log sigma|LOG10(sigma)|logsigma|logσ|lgσ|log10sigma|log₁₀ σ|sigma_log10|sigma (log10)|sigma (log S/m)|Ln(sigma)|sigma_log"
)


@pytest.mark.parametrize(
    ("name", "unit", "message"),
    [
        ("Tg (°C)", "K", "column 'Tg .°C.' says °C, unit says K"),
        ("rho [kg/m3]", "g/cm3", "says kg/m3, unit says g/cm3"),
        ("Tg, K", "degC", "says K"),
        ("Density_kg_m3", "g/cm3", "says kg/m3, unit says g/cm3"),
        ("Tg_C", "K", "says C, unit says K"),
        ("Cp_J_gK", "J/(kg K)", "says J/gK, unit says"),
        ("sigma (×10^5 S/m)", "S/m", "says 10.5 S/m, unit says S/m"),
        ("sigma x 10^5 (S/m)", "S/m", "has a power of ten that unit S/m lacks; write it there, or rename it"),
        ("10⁻⁵ sigma (S/m)", "S/m", "has a power of ten that unit S/m lacks"),
        ("log10 sigma (S/m)", "S/m", r'says that it is a logarithm, unit says S/m; write unit = "log10\(S/m\)" for both tables'),
        ("ln_kappa", "W/(m K)", "says that it is a logarithm"),
        *(
            (name, "K", "says .*, unit says K")
            for name in "Tg in °C|Tg °C|Tg degC|Tg deg. C|Tg C|Tg: °C|Tg (in °C)|Tg_°C".split("|")
        ),
        *((name, "g/cm3", "says .*, unit says g/cm3") for name in "rho in kg/m3|density kg/m3|rho, kg/m^3|rho kg m-3".split("|")),
        *((name, "S/m", "says .*, unit says S/m") for name in "σ S/cm|σ in S cm⁻¹|σ (1e5 S/m)|rho (uohm cm)".split("|")),
        *((name, "S/m", "says that it is a logarithm, unit says S/m") for name in LOGARITHMS.split("|")),
        ("resistivity", "S/m", "column 'resistivity' is a resistivity, unit S/m a conductivity's; mend unit, or rename it"),
    ],
)
def test_a_column_that_names_another_unit(name, unit, message):
    frame = pd.DataFrame({"s": ["*CC*", "*CC(*)C"], name: [1.0, 2.0]})
    with pytest.raises(DataError, match=message):
        read_table(frame, structure="s", value=name, unit=unit)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("rho_g_cm3", "g/cm3"),
        ("Tg_K", "K"),
        ("kappa_W_mK", "W/(m K)"),
        ("density_at_298_K", "g/cm3"),
        ("density_exp", "g/cm3"),
        ("sigma_300K", "S/m"),
        ("alpha_1", "%"),
        ("Cp10", "J/(g K)"),
        ("kappa at 10 K", "W/(m K)"),
        ("logP", "-"),
        ("lnphi", "-"),
        ("log_sigma", "log10(S/m)"),
        ("n (589 nm)", "-"),
        ("T_c", "K"),
        ("Tg (DSC, 10 K/min)", "K"),
        ("density at 25 °C", "g/cm3"),
        ("catalog sigma", "S/m"),
        ("sigma in S/m", "S/m"),
        ("resistivity", "uohm cm"),
        ("log σ [log10(S/m)]", "log10(S/m)"),
    ],
)
def test_a_column_that_names_no_other_unit(name, unit):
    frame = pd.DataFrame({"s": ["*CC*", "*CC(*)C"], name: [1.0, 2.0]})
    assert len(read_table(frame, structure="s", value=name, unit=unit)) == 2


def test_a_row_of_units_below_the_header_that_names_another_unit():
    frame = pd.DataFrame({"s": ["[-]", "*CC*", "*CC(*)C"], "rho": ["[kg/m3]", "0.92", "0.9"]})
    with pytest.raises(DataError, match="column 'rho' says kg/m3, unit says g/cm3; mend unit"):
        read_table(frame, structure="s", value="rho", unit="g/cm3")
    frame.loc[0, "rho"] = "(g cm⁻³)"
    with pytest.warns(DataWarning, match="1 rows cannot be used"):
        assert len(read_table(frame, structure="s", value="rho", unit="g/cm3")) == 2


@pytest.mark.parametrize(
    ("unit", "guess"), [("K", 'perhaps in deg C: write unit = "degC"'), ("degC", "below absolute zero in degC")]
)
def test_temperatures_below_absolute_zero_are_refused(unit, guess):
    frame = pd.DataFrame({"s": ["*CC*", "*CC(*)C"], "Tg": [-300 if unit == "degC" else -78, 100]})
    with pytest.raises(DataError, match=guess):
        read_table(frame, structure="s", value="Tg", unit=unit)
    assert read_table(frame.iloc[1:], structure="s", value="Tg", unit=unit).y.tolist() == [100]
