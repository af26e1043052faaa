"""Tables as laboratories keep them: every kind of file, header and separator is read rightly, or refused in one line."""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest

from sim2real import read_table
from sim2real.datasets.task import DataError, DataWarning

OLD = Path(__file__).parent / "data" / "densities.xls"
PE, PP = "*CC*", "*CC(*)C"
PLAIN = f"SMILES,Density\n{PE},0.92\n{PP},0.90\n"
RIGHT = {PE: 0.92, PP: 0.90}


@pytest.fixture
def read(tmp_path):
    """What a table of that name and content gives: structure -> value."""

    def values(name, content=None, **options):
        path = tmp_path / name
        if content is not None:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        given = {"structure": "SMILES", "value": "Density", "unit": "g/cm3", "property": "density"} | options
        table = read_table(path, **given).table
        return dict(zip(table["structure"], table["value"]))

    values.folder = tmp_path
    return values


def zipped(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("UPPER.CSV", "\ufeff" + PLAIN),
        ("no ending", PLAIN),
        ("run.2020-01-31", PLAIN),
        ("a.dat", PLAIN.replace(",", "\t")),
        ("a.smi", PLAIN.replace(",", "\t")),
        ("a.tab", PLAIN.replace(",", "\t")),
        ("text.xls", PLAIN.replace(",", "\t")),
        ("text.xlsx", PLAIN),
        ("mac.csv", PLAIN.replace("\n", "\r")),
        ("windows.csv", PLAIN.replace("\n", "\r\n")),
        ("unicode.txt", PLAIN.replace(",", "\t").encode("utf-16")),
        ("big-endian.csv", PLAIN.encode("utf-16-be")),
        ("pipes.txt", PLAIN.replace(",", "|")),
        ("semicolons.csv", "SMILES;Density;\n*CC*;0,92;\n*CC(*)C;0,90;\n"),
        ("trailing.csv", f"SMILES,Density\n{PE},0.92,\n{PP},0.90,\n"),
        ("id.csv", f"id,SMILES,other,Density,T\n1,{PE},0.3,0.92,300,\n2,{PP},0.3,0.90,300,\n"),
        ("index.csv", f",SMILES,Density\n0,{PE},0.92\n1,{PP},0.90\n"),
        ("sep.csv", 'sep=;\nSMILES;Density\n*CC*;0,92\n*CC(*)C;"0,90"\n'),
        ("sep.csv", "sep=^\nSMILES^Density\n*CC*^0.92\n*CC(*)C^0.90\n"),
        ("title.csv", f"Densities, laboratory book 12\nmeasured, 2020\n\n{PLAIN}"),
        ("comments.csv", f"% made by hand\n# g/cm3, 298 K\n{PLAIN}"),
        ("savetxt.csv", "# " + PLAIN),
        ("instrument.txt", "".join(f"# setting {k}: {k}\n" for k in range(60)) + PLAIN),
        ("preface.txt", "".join(f"setting {k}: {k}\n" for k in range(60)) + PLAIN),
        ("markup.md", f"| SMILES | Density |\n| {PE} | 0.92 |\n| {PP} | 0.90 |\n"),
        ("savetxt.txt", "# " + PLAIN.replace(",", " ")),
        ("aligned.txt", f"SMILES      Density\n{PE}        0.92\n{PP}     0.90\n"),
        ("hash.csv", f"#,SMILES,Density\n1,{PE},0.92\n2,{PP},0.90\n"),
        ("both.csv", f"# SMILES,Density\n{PLAIN}"),
        ("packed.csv.GZ", gzip.compress(PLAIN.encode(), mtime=0)),
        ("packed.zip", zipped(**{"in/table.csv": PLAIN, "__MACOSX/in/._table.csv": "x"})),
        ("twice.zip", zipped(**{"table.csv.gz": gzip.compress(PLAIN.encode(), mtime=0)})),
        ("inches.tsv", f'SMILES\tbar\tDensity\n{PE}\t"5 inches\t0.92\n{PP}\t5" rod\t0.90\n'),
        ("invisible.csv", f"\u200bSMILES, Density\u00a0\n{PE},\u200b0.92\n{PP},0.90\u00a0\n"),
        ("page.xls", "<html><table><tr><th>SMILES<th>Density<tr><td>*CC*<td>0.92<tr><td>*CC(*)C<td>0.90</table></html>"),
        ("frame.xls", pd.DataFrame({"SMILES": [PE, PP], "Density": ["0,92", "0,90"]}).to_html()),
    ],
)
def test_the_contents_decide_what_a_file_is(read, name, content):
    assert read(name, content) == pytest.approx(RIGHT)


@pytest.mark.parametrize(
    ("text", "structure", "value"),
    [
        ("Name\tSMILES\tTg, K\tTm, K\nPE\t*CC*\t195\t410\nPP\t*CC(*)C\t263\t440\n", "SMILES", "Tg, K"),
        ("SMILES;Tg, K;Tm, K;Ref, year\n*CC*;195,0;410;A, 1990\n*CC(*)C;263,0;440;B, 1991\n", "SMILES", "Tg, K"),
        ("polymer; SMILES|Tg; K\nPE; linear|*CC*|195\nPP|*CC(*)C|263\n".replace("; SMILES", "|SMILES"), "SMILES", "Tg; K"),
    ],
)
def test_the_separator_is_what_gives_the_columns(read, text, structure, value):
    assert read("t.txt", text, structure=structure, value=value, unit="K", property="") == {PE: 195, PP: 263}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,name,SMILES,Density\n1,poly(1,4-butadiene),*CC=CC*,0.91\n2,PE,*CC*,0.92\n", "t.csv: line 2 has 5 cells, the header 4"),
        ("name,SMILES,Density\nPE,*CC*,0.92\npoly(1,4-butadiene),*CC=CC*,0.91\n", "t.csv: line 3 has 4 cells, the header 3"),
        (f"SMILES,Density\n{PE},0,92\n{PP},0,90\n", "t.csv: line 2 has 3 cells, the header 2; put cells .* a decimal comma"),
        (f"SMILES,Density\n{PE},0.92\n{PP},0.90,\n", "t.csv: line 3 has 3 cells, the header 2"),
        (f"SMILES,Density,Density \n{PE},0.92,920\n", r"t.csv: column 'Density' stands twice \(2 and 3\); rename one"),
        (f"SMILES,Tg\n{PE},195\n", "t.csv: no column 'Density'; its columns are SMILES, Tg"),
        (f'SMILES,Density\n{PE},0.92\n"{PP},0.90\n*CCO*,1.1\n', "t.csv: a quotation mark is not closed"),
        ("", "t.csv: empty"),
    ],
)
def test_a_text_that_cannot_be_told_is_refused(read, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read("t.csv", text)
    assert "\n" not in str(caught.value)


def test_rows_of_a_broken_line_are_listed(read):
    with pytest.warns(DataWarning, match="2 rows cannot be used"):
        task = read_table(_saved(read, f"name,SMILES,Density\nPE,{PE},0.92\nPS,*CC(*)\nc1ccccc1,1.05\n"), **COLUMNS)
    assert task.dropped[["line", "found", "reason"]].to_numpy().tolist() == [
        [3, "PS | *CC(*)", "the row has 2 cells, the header 3"],
        [4, "c1ccccc1 | 1.05", "the row has 2 cells, the header 3"],
    ]
    # what stands behind the last column that is read may be left out
    assert read("t.csv", f"SMILES,Density,note\n{PE},0.92\n{PP},0.90,old\n") == RIGHT


COLUMNS = {"structure": "SMILES", "value": "Density", "unit": "g/cm3", "property": "density"}


def _saved(read, text):
    path = read.folder / "t.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1252", "Dichte (20 °C, Müller)"), ("mac_roman", "Dichte bei °C"), ("cp932", "密度"), ("latin-1", "a§b")],
)
def test_other_encodings_are_read_and_said(read, encoding, name):
    with pytest.warns(DataWarning, match="t.csv: read as .*, since it is not UTF-8"):
        assert read("t.csv", PLAIN.replace("Density", f'"{name}"').encode(encoding), value=name) == RIGHT


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


HEADED = [["SMILES", "Density"], [PE, 0.92], [PP, 0.90]]


@pytest.mark.parametrize("name", ["a.xlsx", "a.XLSX", "a.xlsm", "a.xls"])
def test_workbooks(read, name):
    workbook(read.folder / name, Data=HEADED)
    assert read(name) == RIGHT


def test_a_workbook_of_the_old_kind():
    assert read_table(OLD, **COLUMNS).table["value"].tolist() == [0.90, 0.92], "README is its first sheet"


def test_a_binary_workbook():
    given = {**COLUMNS, "value": "Density (g/cm3)", "temperature": "T"}
    table = read_table(OLD.with_suffix(".xlsb"), **given).table  # written by pyxlsbwriter 0.1.0
    assert dict(zip(table["structure"], table["value"])) == {"*CC*": 0.92, "*CC(*)C": 0.9, "*CCO*": 1.1}
    with pytest.raises(DataError, match="no sheet has the columns 'SMILES', 'rho', 'T'; its sheets have README: Measured"):
        read_table(OLD.with_suffix(".xlsb"), **{**given, "value": "rho"})


def test_files_put_together_have_headers_and_marks_in_the_middle(read):
    table = read("t.csv", f"\ufeffSMILES,Density\n{PE},0.92\n\ufeffSMILES,Density\n\ufeff{PP},\ufeff0.90\n")
    assert [value for value in table.values()] == [0.9, 0.92]


def test_an_encoding_that_cannot_be_told_is_said(read):
    with pytest.raises(DataError, match="it is not UTF-8, and no encoding that was tried gives the columns; save it as CSV UTF-8"):
        read("t.csv", "SMILES,плотность\n*CC*,0.92\n".encode("koi8-r"), value="плотность")


@pytest.mark.filterwarnings("ignore::sim2real.datasets.task.DataWarning")
def test_missing_values_of_pandas_are_empty_cells():
    frame = pd.DataFrame({"SMILES": [PE, pd.NA, None, PP], "Density": [0.92, 1.0, 1.0, pd.NA]})
    task = read_table(frame, **COLUMNS)
    assert task.table["structure"].tolist() == [PE] and task.report["dropped: empty structure; expected a SMILES string"] == 2


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([["Measured densities"], [], *HEADED], {}),
        ([[None, None, *row] for row in HEADED], {}),
        ([["SMILES ", " Density"], *HEADED[1:]], {}),
        ([["SMILES", "Den\nsity"], *HEADED[1:]], {"value": "Den sity"}),
        ([["SMILES", 298], *HEADED[1:]], {"value": "298"}),
        ([["SMILES", 298.0], *HEADED[1:]], {"value": 298}),
        ([["SMILES", "Density"], [PE, "0,92"], [PP, "0,9"]], {}),
        ([["SMILES", "Density"], [PE, "9,2E-01"], [PP, "−0.9E0".replace("−", "")]], {}),
    ],
)
def test_headers_and_cells_of_a_sheet(read, rows, options):
    workbook(read.folder / "a.xlsx", Data=rows)
    assert read("a.xlsx", **options) == pytest.approx(RIGHT)


def test_the_sheet_that_has_the_columns(read):
    workbook(read.folder / "a.xlsx", README=[["about"], ["values are on the next sheet"]], Data=HEADED)
    assert read("a.xlsx") == RIGHT
    with pytest.raises(DataError, match="a.xlsx: no sheet 'Rohdaten'; its sheets are README, Data"):
        read("a.xlsx", sheet="Rohdaten")
    with pytest.raises(DataError, match="no sheet has the columns 'SMILES', 'rho'; .* README: about; Data: SMILES, Density"):
        read("a.xlsx", value="rho")
    workbook(read.folder / "b.xlsx", one=HEADED, two=[HEADED[0], [PE, 0.95]])
    with pytest.raises(DataError, match="b.xlsx: the sheets one and two have these columns; choose one with sheet ="):
        read("b.xlsx")
    assert read("b.xlsx", sheet="two") == {PE: 0.95}
    workbook(read.folder / "c.xlsx", Data=[["SMILES", "Density", "Density"], [PE, 0.83, 0.92]])
    with pytest.raises(DataError, match=r"c.xlsx: column 'Density' stands twice \(2 and 3\)"):
        read("c.xlsx")


@pytest.mark.parametrize("stored", ["", "0"])
def test_formulas_without_results_are_refused(read, stored):
    rows = [["SMILES", "mass", "Density"], [PE, 9.2, "=B2/10"], [PP, 9.0, "=B3/10"]]
    path = read.folder / "a.xlsx"
    workbook(path, Data=rows)
    members = {info.filename: zipfile.ZipFile(path).read(info) for info in zipfile.ZipFile(path).infolist()}
    page = "xl/worksheets/sheet1.xml"
    # as XlsxWriter stores them: 0
    members[page] = re.sub(rb"<v\s*/>|<v></v>", f"<v>{stored}</v>".encode(), members[page])
    path.write_bytes(zipped(**members))
    with pytest.raises(DataError, match="a.xlsx: column 'Density' holds formulas that were never calculated; open the"):
        read("a.xlsx")
    members[page] = members[page].replace(f"<v>{stored}</v>".encode(), b"<v>0.92</v>", 1)
    path.write_bytes(zipped(**members))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # a true 0 beside it is out of range
        assert read("a.xlsx") == {PE: 0.92}


def test_errors_of_a_spreadsheet_are_listed(read):
    rows = [*HEADED, ["*CCO*", "error"], ["*CCCO*", None]]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    cell = book.active.cell(len(rows) - 1, 2)
    cell.value, cell.data_type = "#DIV/0!", "e"
    book.save(read.folder / "a.xlsx")
    with pytest.warns(DataWarning, match="line 4, column Density: '#DIV/0!': is not a number"):
        assert read("a.xlsx") == RIGHT


def test_open_document(read):
    cells = "".join(f"<table:table-row>{''.join(_cell(cell) for cell in row)}</table:table-row>" for row in HEADED)
    names = 'xmlns:{0}="urn:oasis:names:tc:opendocument:xmlns:{0}:1.0"'
    content = (
        f"<office:document-content {names.format('office')} {names.format('table')} {names.format('text')}><office:body>"
        f'<office:spreadsheet><table:table table:name="Data">{cells}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
    entries = entry.format("/", kind) + entry.format("content.xml", "text/xml")
    manifest = f"<manifest:manifest {names.format('manifest')}>{entries}</manifest:manifest>"
    members = {"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest}
    assert read("a.ods", zipped(**members)) == RIGHT


def _cell(cell):
    value = f'office:value-type="float" office:value="{cell}"' if isinstance(cell, float) else 'office:value-type="string"'
    return f"<table:table-cell {value}><text:p>{cell}</text:p></table:table-cell>"


@pytest.mark.parametrize("levels", ["SMILES", ["SMILES", "Density"]])
def test_levels_of_an_index_are_columns(read, levels):
    frame = pd.DataFrame(HEADED[1:], columns=HEADED[0]).assign(more=1).set_index(levels)
    frame.to_parquet(read.folder / "a.PARQUET")
    assert read("a.PARQUET") == RIGHT
    assert read_table(frame, **COLUMNS).table["value"].tolist() == [0.90, 0.92]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", zipped(**{"a.csv": PLAIN, "b.csv": PLAIN}), "a.zip: it holds a.csv, b.csv; expected one table"),
        ("a.json", b'[{"smiles": "*CC*", "rho": 0.9}]', "JSON is not read; pandas.read_json reads it"),
        ("a.csv", b'[{"smiles": "*CC*", "rho": 0.9}]', "JSON is not read"),
        ("a.zip", zipped(), "not a readable zip table"),
        ("a.pdf", b"%PDF-1.4 \0\1", "not a readable pdf table"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "not a readable xls table"),
        ("a.xlsx", b"PK\3\4 cut off", "not a readable xlsx table"),
        ("a.parquet", b"PAR1 cut off", "not a readable parquet table"),
    ],
)
def test_what_is_no_table(read, name, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(name, content)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_frame_is_taken_as_a_table(read):
    frame = pd.DataFrame({"SMILES": [PE, PP, "*CCO*"], "Density": [0.92, "0.90 ± 0.01", "heavy"]}, index=["a", "b", "c"])
    with pytest.warns(DataWarning, match="table: 1 rows cannot be used"):
        task = read_table(frame, **COLUMNS)
    assert dict(zip(task.table["structure"], task.y)) == RIGHT and task.name == "table"
    assert task.dropped[["file", "line", "reason"]].to_numpy().tolist() == [["table", "c", "is not a number"]]
    twice = pd.concat([frame.iloc[:2]] * 2)
    assert read_table(twice, **COLUMNS).report["rows read"] == 4, "labels that stand twice are no labels"
    whole = SimpleNamespace(to_pandas=lambda: frame.iloc[:2])  # as frames of Polars and Arrow have it
    assert read_table(whole, **COLUMNS).name == "table" and len(read_table(whole, **COLUMNS)) == 2
    with pytest.raises(DataError, match="expected the path of a table or a DataFrame, got dict"):
        read_table(frame.to_dict(), **COLUMNS)


@pytest.mark.parametrize("name", "key value count low high line spread structure family name group reason found file".split())
def test_no_name_of_a_column_meets_ours(name):
    frame = pd.DataFrame({"SMILES": [PE, PP, PE], "Density": [0.92, 0.90, 0.94], name: ["a", "b", "a"]})
    grouped = read_table(frame, **COLUMNS, group=name).table
    assert dict(zip(grouped["group"], grouped["value"])) == pytest.approx({"a": 0.93, "b": 0.90})
    assert read_table(frame, **COLUMNS, label=name).table["name"].tolist() == ["b", "a"]
    renamed = frame.drop(columns=name).rename(columns={"Density": name})
    assert read_table(renamed, **COLUMNS | {"value": name}).y.tolist() == pytest.approx([0.90, 0.93])
