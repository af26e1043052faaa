"""The ranking of solvents to play with in a notebook: a polymer by name or SMILES, a temperature, a search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from html import escape

import pandas as pd
from chemicals.identifiers import search_chemical
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from sim2real.chemistry.simulators.mixing import HIGH_KELVIN, LOW_KELVIN
from sim2real.chemistry.structures import StructureError, parse

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
    smiles = structures.get(chosen.strip()) or smiles_of(chosen.strip())
    try:
        drawn, table = _molecule(smiles), rank(smiles, kelvin).round(3)
    except ValueError as error:
        return f"<p>{escape(str(error))}: expected a name of the list or a SMILES</p>"
    table.insert(0, "name", [solvents.get(solvent, "") for solvent in table["solvent"]])
    table = table if table["name"].any() else table.drop(columns="name")
    text = table[[column for column in ("name", "solvent") if column in table]].agg(" ".join, axis=1).str.lower()
    found = table[text.str.contains(search.strip().lower(), regex=False)]
    title = f"<p><b>{escape(chosen)}</b>, {kelvin:g} K: {len(found)} of {len(table)} solvents, the best first</p>"
    rows = found.to_html(border=0, index=False)
    return f'{title}<div style="display:flex;gap:1em">{drawn}<div style="max-height:{_TALL}px;overflow:auto">{rows}</div></div>'


def common_name(smiles: str) -> str:
    """What a molecule is called in the tables of the package ``chemicals``; nothing where it is not there, as of repeat units."""
    try:
        return search_chemical(f"InChIKey={Chem.MolToInchiKey(parse(smiles, attachment_points=(0,)))}").common_name
    except (ValueError, StructureError):
        return ""


def smiles_of(text: str) -> str:
    """SMILES of a molecule that is called so; the text itself where it is no name of the package ``chemicals``."""
    try:
        parse(text, attachment_points=(0, 2))
    except StructureError:
        with suppress(ValueError):
            return search_chemical(text).smiles
    return text


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
