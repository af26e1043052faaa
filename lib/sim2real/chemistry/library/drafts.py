"""Repeat units written so that they can always be finished; a token is an atom with the bond before it, a parenthesis, the opening
(``+``) or closing of a ring (how many rings opened later are still open, so digits do not matter), or the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from rdkit import Chem

from sim2real.chemistry.structures import parse

END = "$"
_TOKENS = re.compile(r"([-=#:]?)(\[[^\]]+\]|Br|Cl|[BCNOPSFIbcnops*]|%\d\d|\d)|([()])")
_ORDERS = {"=": 2, "#": 3}
_FAR = 8  # longest ring that the state tells from longer ones


class Draft:
    """A repeat unit while it is written. ``most_bonds`` limits the sum of bond orders of an atom token (an aromatic bond counts 1,
    an implicit hydrogen 0); ``heavy_atoms`` does not count attachment points.
    """

    def __init__(self, most_bonds: dict[str, int], heavy_atoms: int) -> None:
        self._most_bonds, self._heavy_atoms = most_bonds, heavy_atoms
        self.tokens: list[str] = []
        self.symbols: list[str] = []
        self.bonds: list[int] = []
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._here, self._stars = -1, 0
        self._branches: list[tuple[int, int]] = []  # atom, length of the history
        self._rings: list[tuple[int, int]] = []  # atom, bond order reserved
        self._history: list[str] = []

    @property
    def state(self) -> tuple[int, bool, int, int]:
        """Attachment points, whether in a branch, open rings (at most 3), size of the newest ring if it closed here (at most 8)."""
        size = min(self._ring_size(0), _FAR) if self._rings else 0
        return self._stars, bool(self._branches), min(len(self._rings), 3), size

    def context(self, length: int) -> list[str]:
        """The last tokens, newest first; of finished branches only ``(``, first atom and ``)``."""
        return self._history[: -length - 1 : -1]

    def fits(self, token: str) -> bool:
        """Whether the token may come next."""
        last = self.tokens[-1] if self.tokens else "("
        if token == END:
            return self._stars == 2 and not self._branches and not self._rings and last != ")"
        if token == "(":
            return last != "(" and self._free(self._here) >= 2
        if token == ")":
            return bool(self._branches) and last not in "()"
        order, what = _split(token)
        if what == "+" or what.isdigit():
            return last not in "()" and self._ring_fits(order, what)
        return self._atom_fits(order, what)

    def add(self, token: str) -> None:
        """Write one token that fits; the end changes nothing."""
        if token == END:
            return
        self.tokens.append(token)
        self._history.append(token)
        order, what = _split(token)
        if what == "(":
            self._branches.append((self._here, len(self._history)))
        elif what == ")":
            self._here, start = self._branches.pop()
            self._history[start:] = [self._history[start], ")"]
        elif what == "+":
            self._rings.append((self._here, order))
            self.bonds[self._here] += order
        elif what.isdigit():
            atom, reserved = self._rings.pop(-1 - int(what))
            self.bonds[self._here] += max(order, reserved)
            self.bonds[atom] += max(order, reserved) - reserved
        else:
            self._add_atom(order, what)

    def smiles(self) -> str:
        """The SMILES of the tokens, with ring digits."""
        text, used = [], []
        for token in self.tokens:
            what = _split(token)[1]
            if what == "+":
                used.append(digit := next(k for k in range(1, len(used) + 2) if k not in used))
            elif what.isdigit():
                digit = used.pop(-1 - int(what))
            else:
                text.append(token)
                continue
            text.append(token.removesuffix(what) + (f"{digit}" if digit < 10 else f"%{digit}"))
        return "".join(text)

    def _free(self, atom: int) -> int:
        return self._most_bonds.get(self.symbols[atom], 99) - self.bonds[atom]

    def _atom_fits(self, order: int, symbol: str) -> bool:
        if self._here < 0:
            return symbol == "*"
        if self._free(self._here) < order or len(self.symbols) - self._stars + (symbol != "*") > self._heavy_atoms:
            return False
        if symbol == "*" and (self._stars == 2 or len(self.symbols) == 1):
            return False
        if self._branches or self._most_bonds.get(symbol, 99) > order:
            return True
        # nothing can follow this atom and no branch is open
        return not self._rings and self._stars + (symbol == "*") == 2

    def _add_atom(self, order: int, symbol: str) -> None:
        if self._here >= 0:
            self.bonds[self._here] += order
        self._parents.append(self._here)
        self._depths.append(self._depths[self._here] + 1 if self._here >= 0 else 0)
        self._here = len(self.symbols)
        self.symbols.append(symbol)
        self.bonds.append(order if self._here else 0)
        self._stars += symbol == "*"

    def _ring_fits(self, order: int, what: str) -> bool:
        if what == "+":
            return self._free(self._here) >= order + 1
        rank = int(what)
        if rank >= len(self._rings) or self._ring_size(rank) < 3:
            return False
        atom, reserved = self._rings[-1 - rank]
        order = max(order, reserved)
        return self._free(self._here) >= order and self._free(atom) >= order - reserved

    def _ring_size(self, rank: int) -> int:
        """Atoms in the ring that would close here, along the tree of atoms."""
        a, b, size = self._rings[-1 - rank][0], self._here, 1
        while a != b:
            if self._depths[a] > self._depths[b]:
                a = self._parents[a]
            else:
                b = self._parents[b]
            size += 1
        return size


def _split(token: str) -> tuple[int, str]:
    """The order of the token's bond and the rest of it."""
    return _ORDERS.get(token[0], 1), token[token[0] in "-=#:" :]


def tokens_of(smiles: str) -> list[str]:
    """The tokens of a SMILES that begins at an attachment point, without the end; a ValueError for what is no token."""
    found, open_digits, position = [], [], 0
    while match := _TOKENS.match(smiles, position):
        position = match.end()
        bond, symbol, parenthesis = match.groups()
        if parenthesis:
            found.append(parenthesis)
        elif symbol[0] in "%0123456789":
            digit = int(symbol.lstrip("%"))
            if digit in open_digits:
                found.append(f"{bond}{len(open_digits) - 1 - open_digits.index(digit)}")
                open_digits.remove(digit)
            else:
                open_digits.append(digit)
                found.append(f"{bond}+")
        else:
            found.append(bond + symbol)
    if position != len(smiles):
        raise ValueError(f"{smiles!r}: cannot read {smiles[position:]!r}")
    return found


def random_writings(smiles: str, count: int, rng: np.random.Generator) -> Iterator[str]:
    """``count`` SMILES of a repeat unit, each from an attachment point on, with atoms in random order."""
    mol = Chem.Mol(parse(smiles, attachment_points=(2,)))
    Chem.RemoveStereochemistry(mol)
    for _ in range(count):
        shuffled = Chem.RenumberAtoms(mol, rng.permutation(mol.GetNumAtoms()).tolist())
        start = next(a.GetIdx() for a in shuffled.GetAtoms() if a.GetAtomicNum() == 0)
        yield Chem.MolToSmiles(shuffled, canonical=False, rootedAtAtom=start)
