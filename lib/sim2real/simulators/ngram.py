"""An N-gram model of repeat units written as SMILES, as used for the paper's virtual library.

H. Ikebata, K. Hongo, T. Isomura, R. Maezono & R. Yoshida, J. Comput.-Aided Mol. Des. 31, 379 (2017) introduced N-gram
models whose context leaves out finished branches and knows which rings are open. This module follows that idea in a
form of its own:

* A token is an atom with the bond before it (``=O``), a parenthesis, the opening of a ring or its closing, which says
  how many rings were opened later (so digits do not matter), or the end.
* The context of a token is the *state* of the unit (:meth:`Draft.state`), and then the last ``order - 1`` tokens, with
  every finished branch shortened to its first atom. Where no training unit holds the context with a token that fits,
  it is shortened token by token (back-off); the state is never given up.
* A token fits if parentheses and rings can still be closed, two attachment points are there when the unit ends, and
  no atom has more bonds than the same atom in the training units. Aromatic rings may still turn out impossible.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from rdkit import Chem

from sim2real.structures import parse

END = "$"
_TOKENS = re.compile(r"([-=#:]?)(\[[^\]]+\]|Br|Cl|[BCNOPSFIbcnops*]|%\d\d|\d)|([()])")
_RING = re.compile(r"([-=#:]?)(\+|\d+)$")
_ORDERS = {"=": 2, "#": 3}
_FAR = 8  # longest ring that the state tells from longer ones
_DRAWS = 4  # draws from a context's tokens before those that fit are listed


class Draft:
    """A repeat unit while it is written, token by token.

    Args:
        most_bonds: for every atom token without its bond, the largest sum of bond orders (aromatic bonds and implicit
            hydrogens not counted beyond 1 and 0); atoms not listed are not limited.
        heavy_atoms: largest unit, attachment points not counted.
    """

    def __init__(self, most_bonds: dict[str, int], heavy_atoms: int) -> None:
        self._most_bonds = most_bonds
        self._heavy_atoms = heavy_atoms
        self.tokens: list[str] = []
        self.symbols: list[str] = []
        self.bonds: list[int] = []
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._here = -1
        self._stars = 0
        self._branches: list[tuple[int, int]] = []  # atom, length of the history
        self._rings: list[tuple[int, int]] = []  # atom, bond order reserved
        self._history: list[str] = []

    @property
    def state(self) -> tuple[int, bool, int, int]:
        """Attachment points, whether in a branch, open rings (at most 3), size of the newest ring if closed here."""
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
            return last != "(" and self._free() >= 2
        if token == ")":
            return bool(self._branches) and last not in "()"
        if ring := _RING.fullmatch(token):
            return last not in "()" and self._ring_fits(_ORDERS.get(ring[1], 1), ring[2])
        return self._atom_fits(token)

    def add(self, token: str) -> None:
        """Write one token that fits; the end changes nothing."""
        if token == END:
            return
        self.tokens.append(token)
        self._history.append(token)
        if token == "(":
            self._branches.append((self._here, len(self._history)))
        elif token == ")":
            self._here, start = self._branches.pop()
            self._history[start:] = [self._history[start], ")"]
        elif ring := _RING.fullmatch(token):
            order = _ORDERS.get(ring[1], 1)
            if ring[2] == "+":
                self._rings.append((self._here, order))
                self.bonds[self._here] += order
            else:
                atom, reserved = self._rings.pop(-1 - int(ring[2]))
                order = max(order, reserved)
                self.bonds[self._here] += order
                self.bonds[atom] += order - reserved
        else:
            self._add_atom(token)

    def smiles(self) -> str:
        """The SMILES of the tokens, with ring digits."""
        text, free, used = [], 1, []
        for token in self.tokens:
            ring = _RING.fullmatch(token)
            if not ring:
                text.append(token)
                continue
            if ring[2] == "+":
                free = next(k for k in range(1, len(used) + 2) if k not in used)
                used.append(free)
                digit = free
            else:
                digit = used.pop(-1 - int(ring[2]))
            text.append(f"{ring[1]}{digit}" if digit < 10 else f"{ring[1]}%{digit}")
        return "".join(text)

    def _free(self, atom: int | None = None) -> int:
        atom = self._here if atom is None else atom
        return self._most_bonds.get(self.symbols[atom], 99) - self.bonds[atom]

    def _atom_fits(self, token: str) -> bool:
        bond, symbol = _split(token)
        order = _ORDERS.get(bond, 1)
        if self._here < 0:
            return symbol == "*"
        if self._free() < order or len(self.symbols) - self._stars + (symbol != "*") > self._heavy_atoms:
            return False
        if symbol == "*" and (self._stars == 2 or len(self.symbols) == 1):
            return False
        if self._branches or self._most_bonds.get(symbol, 99) > order:
            return True
        # nothing can follow this atom and no branch is open
        return not self._rings and self._stars + (symbol == "*") == 2

    def _add_atom(self, token: str) -> None:
        bond, symbol = _split(token)
        order = _ORDERS.get(bond, 1)
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
            return self._free() >= order + 1
        rank = int(what)
        if rank >= len(self._rings) or self._ring_size(rank) < 3:
            return False
        atom, reserved = self._rings[-1 - rank]
        order = max(order, reserved)
        return self._free() >= order and self._free(atom) >= order - reserved

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


def _split(token: str) -> tuple[str, str]:
    return (token[0], token[1:]) if token[0] in "-=#:" else ("", token)


def tokens_of(smiles: str) -> list[str]:
    """The tokens of a SMILES that begins at an attachment point, without the end.

    Raises:
        ValueError: something in the SMILES is no token.
    """
    found, open_digits, position = [], [], 0
    for match in _TOKENS.finditer(smiles):
        if match.start() != position:
            break
        position = match.end()
        bond, symbol, parenthesis = match.groups()
        if parenthesis:
            found.append(parenthesis)
        elif symbol[0] in "%0123456789":
            digit = int(symbol.lstrip("%"))
            if digit in open_digits:
                rank = len(open_digits) - 1 - open_digits.index(digit)
                open_digits.remove(digit)
                found.append(f"{bond}{rank}")
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


class NgramModel:
    """What token follows which context in known repeat units.

    Args:
        order: N; a token depends on at most ``order - 1`` before it.
        writings: random SMILES of every unit that are read.
        heavy_atoms: largest unit that is made.
        steps: tokens after which a unit is given up.
    """

    def __init__(self, order: int = 9, writings: int = 4, heavy_atoms: int = 60, steps: int = 250) -> None:
        if order < 2 or writings < 1:
            raise ValueError(f"order must be at least 2 and writings at least 1, got {order} and {writings}")
        self.order, self.writings, self.heavy_atoms, self.steps = order, writings, heavy_atoms, steps

    def fit(self, smiles: Iterable[str], rng: np.random.Generator) -> NgramModel:
        """Read repeat units; ``rng`` orders their atoms.

        Raises:
            StructureError: as :func:`sim2real.structures.parse`, and for a molecule.
        """
        self._most_bonds: dict[str, int] = {}
        self._letters: dict[str, str] = {}  # one letter a token or state, so that contexts are texts
        rows: list[tuple[str, str]] = []
        for text in smiles:
            for writing in random_writings(text, self.writings, rng):
                rows += self._rows(tokens_of(writing))
        if not rows:
            raise ValueError("no repeat units to learn from")
        rows.sort()
        self._contexts = [context for context, _ in rows]
        self._next = "".join(token for _, token in rows)
        self._tokens = {letter: what for what, letter in self._letters.items()}
        self._listed: dict[tuple[int, int], list[tuple[str, int]]] = {}
        return self

    def sample(self, rng: np.random.Generator) -> str | None:
        """One SMILES, or None where no token fits or the unit grows beyond ``steps``; it need not be a valid structure."""
        draft = Draft(self._most_bonds, self.heavy_atoms)
        for _ in range(self.steps):
            token = self._draw(draft, rng)
            if token is None:
                return None
            if token == END:
                return draft.smiles()
            draft.add(token)
        return None

    def _rows(self, tokens: list[str]) -> Iterator[tuple[str, str]]:
        draft = Draft({}, len(tokens))
        for token in (*tokens, END):
            yield self._key(draft), self._letter(token)
            draft.add(token)
        for symbol, bonds in zip(draft.symbols, draft.bonds):
            self._most_bonds[symbol] = max(bonds, self._most_bonds.get(symbol, 0))

    def _letter(self, what: object) -> str:
        return self._letters.setdefault(what, chr(0x100 + len(self._letters)))

    def _key(self, draft: Draft) -> str:
        return self._letter(draft.state) + "".join(map(self._letter, draft.context(self.order - 1)))

    def _draw(self, draft: Draft, rng: np.random.Generator) -> str | None:
        key = self._key(draft)
        low, high = 0, len(self._contexts)
        refused = None
        spans = []
        for length in range(1, len(key) + 1):
            low = bisect_left(self._contexts, key[:length], low, high)
            high = bisect_left(self._contexts, key[:length] + "\uffff", low, high)
            if low == high:
                break
            spans.append((low, high))
        for low, high in reversed(spans):
            if (low, high) == refused:
                continue
            for _ in range(_DRAWS):
                token = self._tokens[self._next[low + int(rng.random() * (high - low))]]
                if draft.fits(token):
                    return token
            fitting = [(token, count) for token, count in self._listing(low, high) if draft.fits(token)]
            if fitting:
                place = rng.random() * sum(count for _, count in fitting)
                for token, count in fitting:
                    place -= count
                    if place < 0:
                        return token
            refused = (low, high)
        return None

    def _listing(self, low: int, high: int) -> list[tuple[str, int]]:
        if (low, high) not in self._listed:
            counts = Counter(self._next[low:high])
            self._listed[low, high] = [(self._tokens[letter], counts[letter]) for letter in sorted(counts)]
        return self._listed[low, high]
