"""An N-gram model of repeat units written as SMILES, as used for the paper's virtual library.

H. Ikebata, K. Hongo, T. Isomura, R. Maezono & R. Yoshida, J. Comput.-Aided Mol. Des. 31, 379 (2017) introduced N-gram
models whose context leaves out finished branches and knows which rings are open. This module follows that idea in a
form of its own (theirs was not re-checked in detail):

* Tokens are those of :mod:`sim2real.chemistry.library.drafts`.
* The context of a token is the *state* of the unit (``Draft.state``), and then the last ``order - 1`` tokens, with
  every finished branch shortened to its first atom. Where no training unit holds the context with a token that fits,
  it is shortened token by token (back-off); the state is never given up.
* A token fits if parentheses and rings can still be closed, two attachment points are there when the unit ends, and
  no atom has more bonds than the same atom in the training units. Aromatic rings may still turn out impossible.

How the order was chosen: 300 draws from each of eight classes (P01 P04 P07 P09 P13 P16 P18 P21, 2,000 rule-made units
each, four writings of every unit).

=====  =====  ====================================  ===========  ====================================  =========
order  valid  distinct, new, of the right class     known units  similarity to the nearest known unit  diversity
=====  =====  ====================================  ===========  ====================================  =========
4      64 %   37 %                                  3 %          0.49                                  0.84
6      81 %   56 %                                  6 %          0.52                                  0.83
9      91 %   65 %                                  13 %         0.60                                  0.82
12     96 %   61 %                                  25 %         0.64                                  0.82
=====  =====  ====================================  ===========  ====================================  =========

(Shares of the draws; Tanimoto similarity of Morgan fingerprints. The known units themselves have diversity 0.81.) Nine
gives the most new units a draw; it was chosen for that, though a lower order strays further from the known units. One,
two and four writings at order nine gave 63, 63 and 65 %; four were taken, for classes with few known units.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from sim2real.chemistry.library.drafts import END, Draft, random_writings, tokens_of

_DRAWS = 4  # draws from a context's tokens before those that fit are listed


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
            StructureError: as :func:`sim2real.chemistry.structures.parse`, and for a molecule.
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
