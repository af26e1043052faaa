"""The ranking of solvents to play with in a notebook: a polymer by name or SMILES, a temperature, a search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from html import escape

import pandas as pd
from chemicals.identifiers import search_chemical
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from sim2real.chemistry.simulators.mixing import HIGH_KELVIN, LOW_KELVIN
from sim2real.chemistry.structures import StructureError, parse, structure_key
from sim2real.datasets.embedded import POLYMER_FACTS

try:
    import ipywidgets
    from IPython.display import HTML, display
except ImportError:
    ipywidgets = None

_TALL = 360  # pixels of the table, which is scrolled
_SIZE = 220  # pixels of a drawn molecule


def browse_ranking(
    rank: Callable[[str, float], pd.DataFrame], structures: Mapping[str, str], solvents: Iterable[str], kelvin: float
) -> None:
    """Show a chooser, a slider and a search, and below them what they say; the last state stays where there is no kernel.

    Args:
        rank: SMILES and K -> the solvents' table, best first, with a column ``solvent``.
        structures: what can be chosen: name -> SMILES; any other name of a molecule, or SMILES, can be typed.
        solvents: SMILES of the table, for their names.
        kelvin: to begin with.

    Raises:
        ImportError: without the extra ``lab``.
    """
    if ipywidgets is None:
        raise ImportError('browse needs ipywidgets: pip install "sim2real[lab]"')
    names = {smiles: common_name(smiles) for smiles in solvents}
    wide = {"description_width": "9em"}
    chosen = ipywidgets.Combobox(
        value=next(iter(structures)), options=list(structures), description="polymer", placeholder="a name or SMILES", style=wide
    )
    warm = ipywidgets.FloatSlider(
        value=kelvin, min=LOW_KELVIN, max=HIGH_KELVIN, step=5.0, description="temperature (K)", continuous_update=False, style=wide
    )
    search = ipywidgets.Text(placeholder="part of a solvent's name or SMILES", description="search", style=wide)
    for control in (chosen, search):
        control.continuous_update = False
    display(ipywidgets.VBox([chosen, warm, search]))
    shown = display(HTML(ranking_page(rank, structures, names, chosen.value, warm.value, "")), display_id=True)

    def show(_: object = None) -> None:
        shown.update(HTML(ranking_page(rank, structures, names, chosen.value, warm.value, search.value)))

    for control in (chosen, warm, search):
        control.observe(show, names="value")


def ranking_page(
    rank: Callable[[str, float], pd.DataFrame],
    structures: Mapping[str, str],
    solvents: Mapping[str, str],
    chosen: str,
    kelvin: float,
    search: str,
) -> str:
    """HTML of a drawn molecule and of all solvents that hold ``search``, or one line on what cannot be read."""
    try:
        smiles = structures.get(chosen.strip()) or smiles_of(chosen)
        drawn, table = _molecule(smiles), rank(smiles, kelvin).round(3)
    except ValueError as error:
        return f"<p>{escape(str(error))}: expected a name of the list or a SMILES</p>"
    table.insert(0, "name", [solvents.get(solvent, "") for solvent in table["solvent"]])
    table = table if table["name"].any() else table.drop(columns="name")
    text = table[[column for column in ("name", "solvent") if column in table]].agg(" ".join, axis=1).str.lower()
    found = table[text.str.contains(search.strip().lower(), regex=False)]
    title = f"<p><b>{escape(chosen)}</b>, {kelvin:g} K: {len(found)} of {len(table)} solvents, the best first</p>"
    warned = table["warning"].unique() if "warning" in table else []
    if len(warned) == 1:  # of all solvents alike: said once, for the table to be narrow
        title, found = title + f"<p>{escape(str(warned[0]))}</p>" * bool(warned[0]), found.drop(columns="warning")
    rows = found.to_html(border=0, index=False)
    scrolled = f'<div style="max-height:{_TALL}px;overflow:auto">{rows}</div>'
    return f'{title}<div style="display:flex;flex-wrap:wrap;gap:1em"><div style="flex:none">{drawn}</div>{scrolled}</div>'


def common_name(smiles: str) -> str:
    """What a molecule is called in the tables of the package ``chemicals``, or a polymer in ``data/facts``; nothing where it is not
    there."""
    try:
        if "*" in smiles:
            return _polymers()[1].get(structure_key(smiles), "")
        return search_chemical(f"InChIKey={Chem.MolToInchiKey(parse(smiles, attachment_points=(0,)))}").common_name
    except (ValueError, StructureError):
        return ""


def smiles_of(text: str, stars: int | None = None, alike: Iterable[str] = ()) -> str:
    """SMILES of a molecule (``stars`` 0), repeat unit (2) or either that is called so; a SMILES itself.

    Names are those of the package ``chemicals`` and of ``data/facts``. A ValueError says in one line why the text is no SMILES, and
    which of the known polymers, or of ``alike`` (SMILES), have names close to it.
    """
    text, allowed = str(text).strip(), (0, 2) if stars is None else (stars,)
    try:
        parse(text, attachment_points=allowed)
        return text
    except StructureError as error:
        wrong = str(error)
    names = _polymers()[0] if 2 in allowed else {}
    found = names.get(_plain(text), ("", ""))[1]
    if not found and 0 in allowed and "*" not in text:
        try:
            found = search_chemical(text).smiles
            parse(found, attachment_points=(0,))
        except (ValueError, StructureError):
            found = ""
    if not found:
        known = {plain: name for plain, (name, _) in names.items()} | {_plain(n): n for n in map(common_name, alike) if n}
        close = [known[plain] for plain in get_close_matches(_plain(text), known)]
        raise ValueError(f"{wrong}, nor a known name" + (f"; the closest are {', '.join(close)}" if close else ""))
    return found


@cache
def _polymers() -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Of the polymers of ``data/facts``: plain name -> name and repeat unit; structure key -> name."""
    table = pd.read_csv(POLYMER_FACTS, usecols=["smiles", "polymer"]).drop_duplicates("polymer")
    named = list(zip(table["polymer"], table["smiles"]))
    return {_plain(name): (name, unit) for name, unit in named}, {structure_key(unit): name for name, unit in reversed(named)}


def _plain(name: str) -> str:
    """A name without what people write differently."""
    return "".join(c for c in name.casefold() if c.isalnum())


def _molecule(smiles: str) -> str:
    try:
        molecule = parse(smiles, attachment_points=(0, 2))
    except StructureError as error:
        raise ValueError(str(error)) from error
    drawing = rdMolDraw2D.MolDraw2DSVG(_SIZE, _SIZE)
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, molecule)
    drawing.FinishDrawing()
    svg = drawing.GetDrawingText()
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{escape(smiles, quote=True)}"', 1)
