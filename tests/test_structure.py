"""The house: what may import what, how long a module may be, and what a notebook looks like."""

from __future__ import annotations

import ast
import graphlib
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
import pytest

from sim2real.datasets.paths import ROOT

pytestmark = pytest.mark.xdist_group("structure")  # all modules are parsed once
LIB = ROOT / "lib"
# a package imports from those before it; the package itself, with its command line, comes last
HOUSE = ("chemistry", "datasets", "training", "laws", "figures", "studies", "sim2real")
# a new feature may raise MOST_LINES; a change of what is there may not
MOST_ENTRIES, MOST_LINES, LONGEST = 8, 21_858, 300
# module -> why it is longer
LONG: dict[str, str] = {}
# (module, function) -> why it imports when it is called
LAZY = {("sim2real", "__getattr__"): "import sim2real stays fast: torch and RDKit are imported by what needs them"}

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
MOST_NAMES, MOST_MODULES, WIDEST = 8, 3, 100
LONGEST_SENTENCE = 20  # words on average
PARAMETER_LINE = 80


def name_of(path: Path) -> str:
    parts = path.relative_to(LIB).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted((LIB / "sim2real").rglob("*.py"))}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def room(module: str) -> str:
    """The package of the house that a module stands in."""
    second = module.split(".")[1] if "." in module else ""
    return second if second in HOUSE else "sim2real"


def imports(module: str, node: ast.AST) -> Iterator[str]:
    """The modules of this library that the import statements in a node ask for."""
    for statement in ast.walk(node):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names if alias.name in FILES)
        elif isinstance(statement, ast.ImportFrom):
            package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) + 1 - statement.level] if statement.level else []
            base = ".".join([*above, *filter(None, [statement.module])])
            yield from (
                name
                for a in statement.names
                for name in [f"{base}.{a.name}" if f"{base}.{a.name}" in FILES else base]
                if name in FILES
            )


def test_packages_import_one_way():
    order = {name: k for k, name in enumerate(HOUSE)}
    wrong = {f"{m} imports {i}" for m in FILES for i in imports(m, tree(m)) if order[room(i)] > order[room(m)]}
    assert not wrong, "\n".join(sorted(wrong))


def test_modules_do_not_import_in_circles():
    graph = {m: {i for i in imports(m, tree(m)) if i != m} for m in FILES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_import_is_hidden():
    """Neither where only a type checker reads it nor in a function, but where a reason is given."""
    hidden = [
        f"{m}: TYPE_CHECKING" for m in FILES for n in ast.walk(tree(m)) if isinstance(n, ast.Name) and n.id == "TYPE_CHECKING"
    ]
    for module in FILES:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef) and (module, node.name) not in LAZY:
                hidden += [f"{module}.{node.name} imports {i}" for i in imports(module, node)]
    assert not hidden, "\n".join(sorted(set(hidden)))


def test_the_house_has_few_entries_and_lines():
    entries = {path.name for path in (LIB / "sim2real").iterdir() if path.name != "__pycache__"}
    assert len(entries) <= MOST_ENTRIES, sorted(entries)
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert {m: n for m, n in lines.items() if n > LONGEST}.keys() == LONG.keys()
    assert sum(lines.values()) <= MOST_LINES


def test_no_public_name_stands_in_two_packages():
    """But for what is drawn: ``figures.classes`` and ``tables.classes`` show what ``laws.classes`` found."""
    places = defaultdict(set)
    for module in FILES:
        for statement in tree(module).body:
            if room(module) == "figures" and isinstance(statement, ast.FunctionDef):
                continue
            targets = getattr(statement, "targets", [getattr(statement, "target", None)])
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            for name in [*names, getattr(statement, "name", "_")]:
                if not name.startswith("_"):
                    places[name].add(module)
    twice = {name: sorted(modules) for name, modules in places.items() if len({room(m) for m in modules}) > 1}
    assert not twice, "\n".join(f"{name}: {', '.join(modules)}" for name, modules in sorted(twice.items()))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_short_to_read(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in cells) == 1
    lines = [line for cell in cells for line in cell.source.splitlines()]
    assert not [line for line in lines if len(line) > WIDEST]
    code = ast.parse("\n".join(line for line in lines if not line.startswith(("%", "!"))))
    calls = [node.func.id for node in ast.walk(code) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert "print" not in calls, "Markdown and tables say it better"
    names, modules = [], set()
    for node in ast.walk(code):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names += [alias.name for alias in node.names]
            modules |= {node.module} if isinstance(node, ast.ImportFrom) else {alias.name for alias in node.names}
    assert len(names) <= MOST_NAMES and len(modules) <= MOST_MODULES, f"{len(names)} names of {len(modules)} modules"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_parameters_fit_their_cell_and_stand_below_how_long_a_run_takes(path):
    cells = nbformat.read(path, as_version=4).cells
    (at,) = [k for k, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", [])]
    assert not [line for line in cells[at].source.splitlines() if len(line) > PARAMETER_LINE]
    assert re.search(r"Run All takes (about \d+|some) (seconds|minutes)", cells[at - 1].source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_sentences_of_notebooks_are_short(path):
    text = "\n\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    text = re.sub(r"\$\$.*?\$\$|^#.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\b(Mater|Comput|Figs?|Eq|al)\.", r"\1", text)
    words = [len(sentence.split()) for sentence in re.split(r"(?<=[.?!])\**\s+|\n\n", text) if sentence.strip()]
    assert sum(words) / len(words) <= LONGEST_SENTENCE, f"longest: {max(words)} words"
