"""The SMILES that a cell means: look-alike characters and other notations of attachment points, before RDKit reads it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from rdkit import Chem, RDLogger

from sim2real.chemistry.texts import decoded, plain, shown, stranger

RDLogger.DisableLog("rdApp.*")

LONGEST = 4000  # characters: beyond, RDKit may search rings for minutes
# styrene, poly(vinyl acetate); C6H6, NaCl; 50-00-0; InChIKeys; PMMA, PA-66
NAME = re.compile(
    r"(?=.*[a-z][adefghijklmqrtuvwxyz])[\w(),' -]+|(?=.*(?:H(?![a-z])|(?!Cl|Br)[A-Z][adefghiklmrtuy]))(?:[A-Z][a-z]?\d*)+"
    r"|[\d.-]+|[A-Z]{14}-[A-Z]{10}-[A-Z]|(?=[A-Z]*[^BCNOFPSI\d-])P[A-Z]{1,7}-?\d*"
)
NO_SMILES = "is a name, a formula or a number; write the SMILES, of a repeat unit with two *"
_ACRONYM = re.compile("P[BCFINOPS]{1,2}|S[BI]{1,2}S")  # which are SMILES of phosphines and others as well
# [X] and [M] stand for halogens and metals as well
_PLACEHOLDER = re.compile(r"R\d*'*|Pol|Poly|poly|A|Q|At|Fr|Rn|Lr|Og|Ts|Ac|Th|Es")


class StructureError(ValueError):
    """A SMILES that cannot be used; the message is one line that says what was found and what was expected."""


def smiles_text(given: Any) -> str:
    """A SMILES in ASCII, a CXSMILES extension kept, and with ``*`` for two equal placeholders such as ``[R]`` or ``[Pol]``.

    A :class:`StructureError`: empty, no text, other characters, text after a blank, placeholders of which it is not clear what they
    stand for, BigSMILES, InChI.
    """
    given = decoded(given)
    if given is None or given != given or (isinstance(given, str) and not plain(given)):
        raise StructureError("empty structure; expected a SMILES string")
    if not isinstance(given, str):
        raise StructureError(f"got a {type(given).__name__} instead of a text; expected a SMILES string")
    text, said = plain(given), shown(given)
    if len(text) > LONGEST:
        raise StructureError(f"{said} is too long ({len(text)} characters); at most {LONGEST} are taken")
    if odd := stranger(text):
        raise StructureError(f"{said} has the character {odd}; a SMILES has ASCII characters only")
    if text.startswith("InChI="):
        raise StructureError(f"{said} is an InChI; expected a SMILES")
    if "{" in text.partition("|")[0]:
        unit = re.sub(r"\[[$<>]\d*\]", "*", re.sub(r"[{}]|\[\]", "", text))
        example = unit if unit.count("*") == 2 and Chem.MolFromSmiles(unit) else "*CC(*)C"
        raise StructureError(f"{said} is BigSMILES; write its repeat unit with two *, as in {example}")
    if "~" in text:
        raise StructureError(f"{said} has a bond of no stated order (~); write -, = or #")
    smiles, *more = text.split(maxsplit=1)
    if _ACRONYM.fullmatch(text):
        bare = f"[{'PH2' if text[0] == 'P' else 'SH'}]{text[1:]}"
        raise StructureError(f"{said} {NO_SMILES}; if it is that of a molecule, write {bare}")
    if more and NAME.fullmatch(smiles):
        raise StructureError(f"{said} {NO_SMILES}")
    if more and not re.fullmatch(r"\|.*\|", more[0]):
        raise StructureError(f"{said} has text after a blank; a SMILES has none")
    smiles = smiles.replace("[D]", "[2H]")
    unknown = [name for name in re.findall(r"\[([A-Za-z][\w']*)\]", smiles) if not _is_atom(name)]
    if len(unknown) == 2 and len(set(unknown)) == 1 and _PLACEHOLDER.fullmatch(unknown[0]) and "*" not in smiles:
        smiles = smiles.replace(f"[{unknown[0]}]", "*")
    elif unknown:
        named = " and ".join(f"[{name}]" for name in dict.fromkeys(unknown))
        are = "are no atoms" if len(set(unknown)) > 1 else "is no atom"
        raise StructureError(f"{said}: {named} {are}; write both attachment points of a repeat unit as *, as in *CC(*)C")
    return " ".join([smiles, *more])


def light(text: str) -> str:
    """A SMILES or a formula with hydrogen for deuterium."""
    return re.sub(r"\[(?:[2²]H|D)\]", "[H]", text) if re.search(r"\[", text) else re.sub(r"D(?![a-z])", "H", text)


@lru_cache(maxsize=10_000)
def _is_atom(name: str) -> bool:
    # of some elements nobody has a material: they mark ends as well
    return not _PLACEHOLDER.fullmatch(name) and Chem.MolFromSmiles(f"[{name}]", sanitize=False) is not None
