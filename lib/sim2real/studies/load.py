"""One call for any study of any edition: a kind, an edition and what else is to be chosen, checked against the table of cases."""

from __future__ import annotations

from typing import Any

from sim2real.studies import local
from sim2real.studies.cases import CASES, Case
from sim2real.studies.kinds import KINDS
from sim2real.studies.presets import Settings, resolve
from sim2real.training.study import Study


def load_study(kind: str, edition: str, settings: Settings | str = "quick", *, tuned: bool = True, **choice: Any) -> Study:
    """One study of the paper, its twin, or your tables, with descriptors and hyperparameters.

    Args:
        kind: ``polymers``, ``liquids`` (embedded only), ``pairs`` (polymer and solvent; in ``embedded`` two molecules) or
            ``conductivity`` (thermal to electrical, of inorganic compounds).
        edition: ``embedded``, ``open`` (public files) or ``local`` (your tables).
        settings: sizes of the run, or the name of a preset: ``smoke``, ``quick`` or ``paper``.
        tuned: whether hyperparameters are those chosen on validation data, in ``data/tuning`` or, in ``local``, chosen now, some
            minutes, and kept; if not, a short training that shows only that everything runs.
        choice: ``property`` (``density`` and the like; in ``local`` name or property of a block), ``descriptor`` (``forcefield``,
            ``molecular``), ``library`` (``rules``, ``ngram``), ``database`` (``radonpy``, ``polyomics``), ``simulator``
            (``unifac``, ``cosmo``, ``cosmo-full``), ``split`` (``pair``, ``row``, ``solvent``, ``polymer``), ``source``
            (``thermal``, ``computed``), ``release`` (Starrydata's full release instead of the file of 2019) and ``tables`` (your
            TOML file). One that the kind has in another edition only is passed over; empty is the first.

    Returns:
        Values are in ``study.target.property.unit``; ``simulated_target`` are the simulator's own of the target's rows, where it
        can give them.

    Raises:
        ValueError: an unknown name or value, nothing was tuned, or ``n_max`` exceeds what there is to simulate: one line.
        DataError: a file that cannot be had or used.
        NoStudy: your tables name no study of that kind.
    """
    case, full = chosen_cases(kind, edition, **choice)[0]
    sizes = resolve(edition, settings, kind=kind) if isinstance(settings, str) else settings
    return case.study(sizes, tuned=tuned, **full)


def chosen_cases(kind: str, edition: str, **choice: Any) -> list[tuple[Case, dict[str, Any]]]:
    """The rows of the table that a choice asks for, each with a value of every choice; errors are those of :func:`load_study`."""
    rows = [case for case in CASES if (case.kind, case.edition) == (kind, edition)]
    if not rows:
        editions = dict.fromkeys(case.edition for case in CASES)
        known = "; ".join(f"{e}: {', '.join(dict.fromkeys(c.kind for c in CASES if c.edition == e))}" for e in editions)
        raise ValueError(f"unknown study {kind!r} of edition {edition!r}; expected one of {known}")
    for name, value in choice.items():
        _check(kind, edition, rows, name, value)
    given = {name: value for name, value in choice.items() if value not in ("", None)}
    if edition == "local":
        (case,) = rows
        path = local.tables_path(given.get("tables", ""))
        blocks = local.read_blocks(kind, path, given.get("property", ""))
        fixed = {name: given.get(name, values[0]) for name, values in case.choices.items() if values} | {"tables": path}
        return [(case, fixed | {"block": b, "descriptor": local.descriptor_of(kind, e, b)}) for b, e in blocks.items()]
    shown = KINDS[kind].shown
    values = [value for case in rows for value in case.choices[shown]]
    first = given.get(shown, values[0])
    # a full table holds the small one, and must be downloaded
    others = [v for v in values if not v.endswith("-full") and v.split("-")[0] != first.split("-")[0]]
    return [
        (case, {name: given.get(name, of[0]) for name, of in case.choices.items()} | {shown: value})
        for value in (first, *others)
        for case in rows
        if value in case.choices[shown]
    ]


def _check(kind: str, edition: str, rows: list[Case], name: str, value: Any) -> None:
    """Refuse a choice that the kind has in no edition, and a value that this edition, or else every other, does not have."""
    every = [case for case in CASES if case.kind == kind]
    names = dict.fromkeys(name for case in every for name in case.choices)
    if name not in names:
        raise ValueError(f"unknown choice {name!r} of {kind}; expected one of {', '.join(names)}")
    of = [case.choices[name] for case in rows if name in case.choices]
    allowed = [v for values in of or (case.choices.get(name, ()) for case in every) for v in values]
    if value not in ("", None) and allowed and value not in allowed:
        known = ", ".join(map(str, dict.fromkeys(allowed)))
        raise ValueError(f"unknown {name.upper()} {value!r} of EDITION {edition!r} and {kind}; expected one of {known}")
