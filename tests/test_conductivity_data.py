"""Conductivities of inorganic solids: formulas, curves read off at 300 K, merging, and rows that must be named."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Composition, Element

from sim2real.chemistry.formulas import FormulaError, read_formula
from sim2real.datasets.conductivity import load_conductivities, read_curves, value_at_room
from sim2real.datasets.task import DataError

needs_mirror = pytest.mark.skipif(not os.environ.get("SIM2REAL_DATA_MIRROR"), reason="SIM2REAL_DATA_MIRROR is not set")


def grid(rows: list[tuple[str, float, object, object]]) -> pd.DataFrame:
    """(composition, K, kappa, sigma) in the shape of the file of 2019."""
    return pd.DataFrame(
        [
            {"sampleid": k, "composition": c, "Temperature": t, "Thermal conductivity": kappa, "Electrical conductivity": sigma}
            for k, (c, t, kappa, sigma) in enumerate(rows)
        ]
    )


def system(rows: list[tuple[str, float, object, object]], unit: str = "S/cm") -> pd.DataFrame:
    """(composition, K, kappa, sigma) in sysTEm's shape."""
    names = ("Pymatgen Composition", "Temperature (K)", "Total Thermal Conductivity (W/mK)", f"Electrical Conductivity ({unit})")
    return pd.DataFrame([dict(zip(names, row)) for row in rows])


def curve(composition, prop, unit, x, y, unit_x="K") -> dict:
    """A row of the release."""
    values = {"SID": 1, "DOI": "10.0/0", "composition": composition, "sample_id": 1, "figure_id": 1, "prop_x": "Temperature"}
    return values | {"prop_y": prop, "unit_x": unit_x, "unit_y": unit, "x": json.dumps(x), "y": json.dumps(y), "comments": "a\nb"}


@pytest.fixture
def load(tmp_path):
    def write(grid_rows, system_rows, **options):
        if isinstance(grid_rows, pd.DataFrame):
            grid_rows.to_csv(tmp_path / "grid.csv", index=False)
        else:
            pd.DataFrame(grid_rows).to_csv(tmp_path / "grid.csv.gz", index=False)
        system_rows.to_excel(tmp_path / "system.xlsx", index=False)
        first = tmp_path / ("grid.csv" if isinstance(grid_rows, pd.DataFrame) else "grid.csv.gz")
        return load_conductivities(starrydata=first, system=tmp_path / "system.xlsx", **options)

    return write


def test_sources_are_merged_by_composition_and_the_median_of_logarithms(load):
    thermal, electrical = load(
        grid([("Bi2Te3", 300, 2.0, 1e5), ("Bi2Te3", 350, 9.0, 9e5), ("TiS2", 300, 3.0, 1e4)]),
        system([("Bi4 Te6", 298, 1.0, 10), ("Te3 Bi2", 305, 1.5, 100), ("Mg2 Si1", 300, 4.0, None), ("Cu1", 400, 1, 1)]),
    )
    kappa, sigma = (task.table.set_index("structure") for task in (thermal, electrical))
    assert set(kappa.index) == {"Bi2Te3", "TiS2", "Mg2Si"} and set(sigma.index) == {"Bi2Te3", "TiS2"}
    row = sigma.loc["Bi2Te3"]
    # 1e5 S/m, 10 S/cm and 100 S/cm
    assert row["value"] == pytest.approx(1e4) and (row["low"], row["high"]) == (1000, 1e5) and row["count"] == 3
    assert row["spread_decades"] == pytest.approx(2) and row["sources"] == "Starrydata+sysTEm" and row["key"] == "Bi0.4Te0.6"
    assert kappa.loc["Bi2Te3", "value"] == pytest.approx(1.5)
    differ = "of them with values that differ by more than a factor of ten"
    assert electrical.report[differ] == 1 and thermal.report[differ] == 0
    assert electrical.report["compositions with both conductivities"] == 2 and thermal.report["compositions"] == 3
    assert electrical.report["Starrydata: rows at 295 to 305 K"] == 2 and electrical.report["sysTEm: rows at 295 to 305 K"] == 3
    assert sigma.loc["TiS2", "group"] == "chalcogenide" and kappa.loc["Mg2Si", "group"] == "tetrelide"


def test_median_of_an_even_number_is_the_geometric_mean(load):
    _, electrical = load(grid([("PbTe", 300, 1, 1e3)]), system([("Pb1 Te1", 300, 1, 1e3)]))
    assert electrical.table["value"].tolist() == pytest.approx([1e4])


def test_bad_rows_are_counted_and_named(load):
    thermal, electrical = load(
        grid(
            [
                ("TiS2", 300, 1, 1e3),
                ("PbTe 0 GPa", 300, 1, 1e3),
                ("BixSb2Te3", 300, 1, 1e3),
                ("Bi-92%", 300, 1, 1e3),
                (None, 300, 1, 1e3),
                ("PbTe", 300, -1, 0),
                ("PbSe", 300, "high", 1e9),
                ("AmO2", 300, 1, 1),
                ("Yb doped CoSb3", 300, 1, 1),
            ]
        ),
        system([("Si1", 300, 1e-9, 1)]),
    )
    reasons = thermal.dropped.set_index(["file", "line"])["reason"].to_dict()
    assert reasons == {
        ("grid.csv", 3): "composition with an unknown element or a variable",
        ("grid.csv", 4): "composition with an unknown element or a variable",
        ("grid.csv", 5): "composition with text, signs or per cent",
        ("grid.csv", 6): "composition is empty",
        ("grid.csv", 7): "total_thermal_conductivity is not positive",
        ("grid.csv", 8): "total_thermal_conductivity is not a number",
        ("grid.csv", 9): "composition with an element beyond plutonium",
        ("grid.csv", 10): "composition is not a formula",
        ("system.xlsx", 2): "total_thermal_conductivity outside of 0.001 to 3000 W/(m K)",
    }
    assert thermal.table["structure"].tolist() == ["TiS2"]
    assert sum(n for reason, n in thermal.report.items() if reason.startswith("dropped: ")) == len(thermal.dropped) == 9
    found = electrical.dropped.set_index("line")
    assert found.loc[8, "found"] == "1000000000.0" and "1e+08 S/m" in found.loc[8, "reason"]
    assert found.loc[7, "column"] == "Electrical conductivity" and found.loc[3, "found"] == "PbTe 0 GPa"


def test_files_that_cannot_be_used(load):
    good, table = grid([("TiS2", 300, 1, 1e3)]), system([("Ti1 S2", 300, 1, 1)])
    with pytest.raises(DataError, match="grid.csv: no column 'Temperature'"):
        load(good.drop(columns="Temperature"), table)
    with pytest.raises(DataError, match="system.xlsx: missing column Total Thermal Conductivity with its unit"):
        load(good, table.drop(columns="Total Thermal Conductivity (W/mK)"))
    with pytest.raises(DataError, match="system.xlsx, column Electrical Conductivity .furlong.: 'furlong' is no unit"):
        load(good, system([("Ti1 S2", 300, 1, 1)], unit="furlong"))
    with pytest.raises(DataError, match="no usable value of total_thermal_conductivity at 295 to 305 K in grid.csv, system.xlsx"):
        load(grid([("TiS2", 300, -1, 1e3)]), system([("Ti1 S2", 300, -1, 1)]))


def test_release(load):
    kappa, sigma, rho = "Thermal conductivity", "Electrical conductivity", "Electrical resistivity"
    thermal, electrical = load(
        [
            curve("Bi2Te3", kappa, "W*m^(-1)*K^(-1)", [250, 350], [1.0, 2.0]),
            curve("Bi2Te3", sigma, "S*m^(-1)", ["290", "310"], ["1e5", "3e5"]),
            curve("PbTe", rho, "ohm*m", [350, 250], [4e-5, 2e-5]),
            curve("PbSe", rho, "Ω*cm", [25, 30], [1e-3, 2e-3], unit_x="degC"),
            curve("SnSe", rho, "acres", [300], [1]),
            curve("SnTe", sigma, "S*m^(-1)", [300], [-1]),
            curve("SnS", sigma, "S*m^(-1)", [300, 301], [1]),
            curve("SnS", sigma, "S*m^(-1)", [300], [1], unit_x="degR"),
            curve("GeTe", sigma, "S*m^(-1)", [400, 500], [1, 1]),
            curve("GeTe", "Seebeck coefficient", "V*K^(-1)", [300], [1]),
            curve("GeTe", "Lattice thermal conductivity", "W*m^(-1)*K^(-1)", [300], [1]),
            curve("GeTe", sigma, "S*m^(-1)", "no", [1]),
            curve("Mm4Sb12", sigma, "S*m^(-1)", [300], [1]),
        ],
        system([("Bi2 Te3", 300, 1.5, 1000)]),
        release=True,
    )
    assert thermal.table[["structure", "value", "count"]].to_numpy().tolist() == [["Bi2Te3", pytest.approx(1.5), 2]]
    found = electrical.table.set_index("structure")["value"].to_dict()
    t = (300 - 298.15) / 5
    assert found == pytest.approx({"Bi2Te3": np.sqrt(2e5 * 1e5), "PbTe": 1 / 3e-5, "PbSe": 100 / (1e-3 * (1 + t))})
    dropped = electrical.dropped.set_index("line")
    assert {line: (row["column"], row["reason"]) for line, row in dropped.iterrows()} == {
        6: ("unit_y", "unknown unit of electrical resistivity"),
        7: ("y", "electrical_conductivity is not positive"),
        8: ("x", "curve with as many x as y missing"),
        9: ("unit_x", "unknown unit of temperature"),
        13: ("x", "curve that is no two lists of numbers"),
        14: ("composition", "composition with an unknown element or a variable"),
    }
    assert dropped.loc[6, "found"] == "acres" and set(dropped["file"]) == {"grid.csv.gz"}
    assert electrical.report["Starrydata: curves read"] == 13
    assert electrical.report["Starrydata: conductivities or resistivities against temperature"] == 11
    assert [n for what, n in electrical.report.items() if "no point at 295" in what] == [1]


def test_release_is_read_in_pieces(tmp_path, monkeypatch):
    rows = [curve("TiS2", "Electrical conductivity", "S/m", [300], [k + 1.0]) for k in range(7)]
    pd.DataFrame(rows).to_csv(tmp_path / "all.csv", index=False)
    whole, counts = read_curves(tmp_path / "all.csv")
    monkeypatch.setattr("sim2real.datasets.conductivity.CHUNK", 2)
    pieces, counts_of_pieces = read_curves(tmp_path / "all.csv")
    pd.testing.assert_frame_equal(whole, pieces)
    assert counts == counts_of_pieces and whole["line"].tolist() == list(range(2, 9))
    pd.DataFrame(rows).drop(columns="unit_y").to_csv(tmp_path / "all.csv", index=False)
    with pytest.raises(DataError, match=r"all.csv: missing column\(s\) unit_y"):
        read_curves(tmp_path / "all.csv")
    (tmp_path / "all.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="all.csv.gz: not a readable CSV"):
        read_curves(tmp_path / "all.csv.gz")


@pytest.mark.parametrize(
    ("kelvin", "y", "expected"),
    [
        ([250, 350], [1, 3], 2),
        ([350, 250], [3, 1], 2),
        ([300, 400], [5, 6], 5),
        ([303, 400], [5, 6], 5),
        ([100, 297], [5, 6], 6),
        ([304, 297], [5, 9], 9 - 4 * 3 / 7),
        ([4, 1000], [1, 2], None),  # too far apart for a straight line
        ([4, 302], [1, 2], 2),
        ([100, 290], [1, 2], None),
        ([310, 400], [1, 2], None),
        ([250, np.nan, 350], [1, 7, 3], 2),
        ([], [], None),
    ],
)
def test_value_at_room(kelvin, y, expected):
    value = value_at_room(np.array(kelvin, dtype=float), np.array(y, dtype=float))
    if expected is None:
        assert value is None
    else:
        assert value == pytest.approx(expected)


def test_keys_do_not_depend_on_scale_or_order():
    same = ["In0.05Co4Sb12", "Sb12Co4In0.05", "In0.0125CoSb3", "Co4 In0.05 Sb12", "(CoSb3)4In0.05", "In₀.₀₅Co₄Sb₁₂"]
    assert len({read_formula(f).key for f in same}) == 1
    different = ["PbTeI0.0009", "PbTeI0.0006", "PbTe", "PbTe1.01"]
    assert len({read_formula(f).key for f in different}) == 4
    for formula in (*same[:5], *different):
        key = read_formula(formula).key
        assert read_formula(key).key == key
    assert read_formula("Cu1.8Se").reduced == "Cu1.8Se" and read_formula("Te6Bi4").reduced == "Bi2Te3"
    assert read_formula("TePb").reduced == "PbTe" and read_formula("Ce(FeSb3)4").reduced == "CeFe4Sb12"


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("Bi2Te3", "chalcogenide"),
        ("BiCuSeO", "oxide"),
        ("CsSnI3", "halide"),
        ("CoSb3", "pnictide"),
        ("Co4Sb11.4Te0.6", "pnictide"),
        ("Mg2Si", "tetrelide"),
        ("ZrNiSn", "tetrelide"),
        ("FeAl", "intermetallic or other"),
        ("Cu0.9Se0.1", "chalcogenide"),
    ],
)
def test_families(formula, family):
    assert read_formula(formula).family == family


HYDRATES = {
    "CuSO4.5H2O": "CuSO4(H2O)5",
    "Zn(NO3)2.6H2O": "Zn(NO3)2(H2O)6",
    "CaSO4.2H2O": "CaSO4(H2O)2",
    "CaSO4·2H2O": "CaSO4(H2O)2",
    "CaSO4•2H2O": "CaSO4(H2O)2",
    "CaSO4*2H2O": "CaSO4(H2O)2",
    "CaSO4 . 2 H2O": "CaSO4(H2O)2",
    "CaSO4·½H2O": "CaSO4(H2O)0.5",
    "CaSO4.0.5H2O": "CaSO4(H2O)0.5",
    "V2O5.1.6H2O": "V2O5(H2O)1.6",
    "Na0.33CoO2.1.3H2O": "Na0.33CoO2(H2O)1.3",
    "CuSO4 x 5H2O": "CuSO4(H2O)5",
    "KAl(SO4)2.12H2O": "KAl(SO4)2(H2O)12",
    "LaCl3.H2O": "LaCl3(H2O)1",
    "MgCl2.6NH3": "MgCl2(NH3)6",
    "3CaO.Al2O3": "Ca3Al2O6",
    "Al2O3·2SiO2·2H2O": "Al2Si2O7(H2O)2",
    # a number all the same
    "Na0.5H2O": "NaH4O2",
    "Bi2Te2.7Se0.3": "Bi20Te27Se3",
}


@pytest.mark.parametrize("written", HYDRATES)
def test_a_dot_before_whole_molecules_adds_them(written):
    assert read_formula(written).key == read_formula(HYDRATES[written]).key


@pytest.mark.parametrize(
    "written",
    [
        *("Bi0.5Sb1.5Te3", "Bi0,5Sb1,5Te3", "Bi₀.₅Sb₁.₅Te₃", "Bi₀,₅Sb₁,₅Te₃", "Ｂｉ0.5Ｓｂ1.5Ｔｅ3", "Bi$_{0.5}$Sb$_{1.5}$Te$_3$"),
        *("Bi<sub>0.5</sub>Sb<sub>1.5</sub>Te<sub>3</sub>", "Вi0.5Sb1.5Тe3", "Bi0.5\u200bSb1.5Te3\u202c", b"Bi0.5Sb1.5Te3"),
        *(Composition("BiSb3Te6"), {"Bi": 0.5, "Sb": 1.5, "Te": 3}, {Element("Bi"): 1, "Sb": 3, "Te": 6}),
    ],
    ids=str,
)
def test_one_composition_however_it_is_written(written):
    assert read_formula(written).key == "Bi0.1Sb0.3Te0.6"


@pytest.mark.parametrize(
    ("reason", "texts"),
    {
        "one element with a count": (
            "Bi2212",
            "Tl2212",
            "Ti64",
            "Al 6061",
            "Ga0.20",
            "Yb0.26",
            "Y123",
            "SS316",
            "Cu110",
            "Sr0.3",
            "Fe3",
        ),
        "an acronym or a grade": (
            *(
                "SUS304",
                "YBCO",
                "BSCF",
                "KNN",
                "PVC",
                "CIS",
                "BFO",
                "BiPb2223",
                "IN718",
                "Ti6Al4V",
                "Ti 6Al 4V",
                "AlSi10Mg",
                "NiCr20",
            ),
            *("PbSn60", "SnPb37", "AgCu28", "CuZn37", "CuNi18Zn20", "FeNi36", "PbTe NCs", "WRe26", "MoRe41"),
            *("CU", "SN", "Pd(OAc)2", "NaOAc", "AcOH", "PrOH"),  # tin or SN; acetates, not actinium; propanol
        ),
        "an isotope": ("D2O", "LiD", "CNT", "BNT", "ITO", "[2H]2O", "T2O", "MgSO4.7D2O", "ND3"),
        "begins with a number": ("2H2O", "²H2O", "7LiF", "4HSiC"),
        "unknown element or a variable": (
            "Bi2Te1e5",
            "PZT",
            "YSZ",
            "LSCO",
            "CuSO4.nH2O",
            "CuSO4·xH2O",
            "La2-xSrxCuO4".replace("-", ""),
        ),
        "a dot that may be": ("CaO.2SiO2", "Al2O3.2SiO2", "Al2O3.2SiO2.2H2O", "Bi.5Sb1.5Te3"),
        "beyond plutonium": ("AmO2", "Cf"),
        "the character 'δ' \\(U\\+03B4\\)": ("YBa2Cu3O7δ",),
        "text, signs or per cent": ("(Bi,Sb)2Te3", "Bi2Te3, doped", "2H-MoS2", "Bi2Te3+5%Ag"),
        "composition is empty": ("nan", "NaN", " ", "\u200b"),
    }.items(),
)
def test_what_is_no_composition_is_refused_by_its_reason(reason, texts):
    for text in texts:
        with pytest.raises(FormulaError, match=reason):
            read_formula(text)


@pytest.mark.parametrize(
    "formula",
    [
        *(
            "C60",
            "S8",
            "P4",
            "O2",
            "H2",
            "N2",
            "Cl2",
            "Si",
            "Si1",
            "KOH",
            "KSCN",
            "HNCO",
            "UBC",
            "YOF",
            "FeZn13",
            "MgBe13",
            "TiZn16",
        ),
        *("YbFe2Zn20", "PrTi2Al20", "BaFe12O19", "CoCrFeMnNi", "Ti3AlC2", "Ni3Al", "Zn(CH3COO)2", "Ni1Cr20", "Y1B1C1O1", "Cu1Zn37"),
    ],
)
def test_real_compounds_are_no_designations_and_are_read_again(formula):
    read = read_formula(formula)
    assert read_formula(read.reduced).key == read.key


@pytest.mark.parametrize(
    "text", ["", None, np.nan, "G", "CoSb3/WO3", "Bi2-xTe3", "Hf0.0.5", "DD0.08Fe4Sb12", "Co0", "CoSb3 ???", "(CoSb3"]
)
def test_bad_compositions(text):
    with pytest.raises(FormulaError):
        read_formula(text)


@needs_mirror
def test_public_tables():
    thermal, electrical = load_conductivities()
    assert thermal.report["Starrydata: rows at 295 to 305 K"] == 539 and thermal.report["sysTEm: rows at 295 to 305 K"] == 843
    assert len(thermal) == 1064 and len(electrical) == 1143
    assert thermal.report["compositions with both conductivities"] == 1052 == len(set(thermal.keys) & set(electrical.keys))
    assert len(set(thermal.keys)) == len(thermal) and len(thermal.dropped) == len(electrical.dropped) == 38
    assert sorted(thermal.dropped.loc[thermal.dropped["reason"].str.contains("one element with a count"), "found"]) == [
        "Ga0.20",
        "Yb0.26",
    ]
    # the medians again, the slow way
    by_key: dict[str, list[float]] = {}
    frame = pd.read_csv(os.path.join(os.environ["SIM2REAL_DATA_MIRROR"], "starrydata/20190711_preprocessing_interpolated_data.csv"))
    for row in frame[frame["Temperature"] == 300].itertuples(index=False):
        try:
            by_key.setdefault(read_formula(row.composition).key, []).append(row[-1])
        except FormulaError:
            continue
    only = electrical.table[electrical.table["sources"] == "Starrydata"]
    assert len(only) > 300
    for key, value in zip(only["key"], only["value"]):
        assert value == pytest.approx(10 ** np.median(np.log10(by_key[key])))
