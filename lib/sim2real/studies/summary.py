"""What the paper claims beside what the drawn figures say, a row a claim: read from payloads alone, nothing is trained or drawn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from sim2real.datasets.paths import FIGURES
from sim2real.figures import figure_folder
from sim2real.figures.words import SIGNS, between, change, difference, number, percent, unit
from sim2real.laws.records import paper
from sim2real.laws.verdicts import FEWEST_TRIALS

AGREES, DIFFERS, OPEN = "agrees", "differs", "cannot be told"
PAPERS_TRIALS = ", paper's trials"  # of an edition drawn with PRESET=paper


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, a table of ``data/paper.toml``: ``figure`` and ``where`` it stands, what it ``says``, what the
    ``paper`` has for it, and which ``payload`` of which ``notebook`` is held against it, how it ``reads`` and ``of`` which record;
    ``about`` is the paper's property where a twin has another."""

    figure: str
    where: str
    says: str
    paper: str
    payload: str
    notebook: str
    reads: str
    of: str | list[str] = ""
    about: str = ""
    expects: Any = None


@dataclass(frozen=True)
class Reading:
    """What a payload has for a claim: the number with its interval, and whether it is the paper's; None where it cannot be told."""

    here: str
    same: bool | None

    @property
    def verdict(self) -> str:
        """One of three words."""
        return OPEN if self.same is None else AGREES if self.same else DIFFERS


def claims() -> list[Claim]:
    """All claims, in the order of the paper."""
    return [Claim(**claim) for claim in paper("claims")]


def read(claim: Claim, payload: Mapping) -> Reading:
    """What a payload says to a claim; "cannot be told" where it has no such record."""
    records = payload["records"]
    if claim.reads == "classes":
        return _classes(claim, records)
    found = [r for r in records if not claim.of or r.get("property") == claim.of]
    return _READERS[claim.reads](claim, found[0]) if found else Reading("not among the records", None)


def summary(folders: Mapping[str, Path]) -> pd.DataFrame:
    """The table: ``paper``, and for each name of ``folders`` (name -> folder of payloads) what it says and the verdict.

    A payload that is not there is no error: the cell names the notebook that makes it.
    """
    rows = []
    for claim in claims():
        row = {"figure": claim.figure, "the paper's claim": claim.says, "paper": claim.paper}
        for name, folder in folders.items():
            path = folder / f"{claim.payload}.json"
            if path.is_file():
                payload = json.loads(path.read_text(encoding="utf-8"))
                reading = read(claim, payload)
                row |= {name: reading.here, f"verdict, {name}": _why(claim, reading, payload)}
            else:
                row |= {name: f"no payload: notebook {claim.notebook} makes it", f"verdict, {name}": ""}
        rows.append(row)
    return pd.DataFrame(rows).set_index(["figure", "the paper's claim"])


def summary_folders(edition: str, preset: str, folder: Path) -> dict[str, Path]:
    """Name -> folder of what is summed up: ``embedded`` and ``open``, your own tables' if asked for, ``folder`` being that of the
    edition; those of ``figures`` until something is drawn elsewhere. Where there are some with the paper's trials, those too."""
    found = {name: figure_folder(name, preset) for name in dict.fromkeys(["embedded", "open", edition])} | {edition: folder}
    committed = {name: figure_folder(name, preset, FIGURES) for name in found}
    found = {name: path if any(path.glob("*.json")) else committed[name] for name, path in found.items()}
    many = {name + PAPERS_TRIALS: FIGURES / name / "paper" for name in found if preset != "paper"}
    return found | {name: path for name, path in many.items() if path.is_dir()}


def summary_data(folders: Mapping[str, Path]) -> pd.DataFrame:
    """What was transferred to what, a row a payload that a claim is held against and that is there."""
    rows = []
    for name, folder in folders.items():
        for figure in dict.fromkeys(claim.payload for claim in claims()):
            if (path := folder / f"{figure}.json").is_file():
                payload = json.loads(path.read_text(encoding="utf-8"))
                row = {"": name, "payload": figure, "preset": payload["preset"]}
                row |= {side: "; ".join(f"{of} ({size:,})" for of, size in payload[side].items()) for side in ("source", "target")}
                trials = {r[key] for r in payload["records"] for r in (r, r.get("design", {})) for key in ("trials",) if key in r}
                row["trials"] = ", ".join(map(str, sorted(trials)))
                rows.append(row | {"took": _took(payload["run"]) if "run" in payload else ""})
    return pd.DataFrame(rows, columns=["", "payload", "preset", "source", "target", "trials", "took"]).set_index(["", "payload"])


def retold(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`summary` in which the paper's number of trials has another verdict than fewer have; without rows where none
    does, without columns where there are no such figures."""
    rows = []
    for many in table.filter(like=PAPERS_TRIALS).columns:
        if not many.startswith("verdict, "):
            few, said = many.removesuffix(PAPERS_TRIALS), f"verdict, {many}"
            both = table[[few, f"verdict, {few}", many, said]].set_axis(["fewer trials", "said", "paper's trials", "says"], axis=1)
            other = both["said"].map(_told) != both["says"].map(_told)
            rows.append(both[other & (both["said"] != "") & (both["says"] != "")])
    return pd.concat(rows) if rows else pd.DataFrame()


def readable(table: pd.DataFrame) -> Styler:
    """A table with long texts as a notebook shows it: whole texts that wrap, to the left, no wider than a page."""
    cells = {"selector": "td, th", "props": "white-space: normal; text-align: left; vertical-align: top"}
    return table.style.set_table_styles([cells]).set_table_attributes('style="max-width: 1000px"')


def _why(claim: Claim, reading: Reading, payload: Mapping) -> str:
    """The verdict, with what is not the paper's where it differs, and where ours is another property."""
    own = payload["records"][0].get("property", claim.about)
    twin = f", of {SIGNS.get(own, own)} instead of {SIGNS[claim.about]}" if claim.about and own != claim.about else ""
    if reading.verdict != DIFFERS:
        return reading.verdict + twin
    sides = [" and ".join(payload[side]) for side in ("source", "target")]
    return f"{DIFFERS} because of other data{twin}" + (f": {' to '.join(sides)}" if all(sides) else "")


def _told(verdict: str) -> str:
    """The word of a verdict."""
    return next((word for word in (AGREES, DIFFERS, OPEN) if verdict.startswith(word)), "")


def _took(run: Mapping) -> str:
    return f"{run['seconds'] / 60:,.0f} min, {run['machine']}"


def _finding(record: Mapping, question: str) -> Mapping | None:
    """The finding of a verdict in words, which stands under ``worth`` where the record has a verdict of another kind."""
    blocks = (record.get("worth"), record.get("verdict"))
    found = [f for block in blocks if isinstance(block, Mapping) for f in block.get("findings", ()) if f["question"] == question]
    return found[0] if found else None


def _more(_: Claim, record: Mapping) -> Reading:
    """A fall of the error from the smallest to the largest n, told by the verdict's rule."""
    finding = _finding(record, "more")
    if finding is None or "change" not in finding["numbers"]:
        return Reading("no verdict", None)
    moved = finding["numbers"]["change"]
    return Reading(change(moved), moved["mean"] < 0 if finding["told"] else None)


def _transfer(_: Claim, record: Mapping) -> Reading:
    """Transfer minus direct learning, paired over trials."""
    finding = _finding(record, "transfer")
    if finding is None or "mean" not in finding["numbers"]:
        return Reading("no verdict", None)
    of = finding["numbers"]
    here = f"{percent(of['mean'] / of['direct'])}: {difference(of)}{'' if record['unit'] == '-' else f' {unit(record)}'}"
    return Reading(here, of["mean"] < 0 if finding["told"] else None)


def _constant(claim: Claim, record: Mapping) -> Reading:
    """A constant of a law, with its interval over trials and materials: the paper's lies within it or not."""
    name = claim.reads
    law = record.get("law_materials") or record.get("surface_materials")
    if law is None or not law["intervals"] or law[name] is None:
        return Reading("no law", None)
    ends, error = law["intervals"][name], record["curve"]["mae"][-1] if "curve" in record else None
    low, high = ends["low"], ends["high"]
    here = f"{number(law[name])} ({between(low, high)})"
    if name == "C":
        # a gap that may be none or most of the error says nothing
        return Reading(
            f"{here} of an error of {number(error)}", False if low > claim.expects else True if high < error / 2 else None
        )
    outside = not low <= claim.expects <= high
    identified = low > 0 and name not in law["bounds_hit"]
    return Reading(here, False if outside else True if identified else None)


def _rate(claim: Claim, record: Mapping) -> Reading:
    """Simulations that one measurement is worth: the paper's number lies within the interval or not."""
    finding = _finding(record, "worth")
    if finding is None or "rate" not in finding["numbers"]:
        return Reading("no rate", None)
    rate, known = finding["numbers"]["rate"], finding["numbers"]["identified"]
    low, high = rate["low"] or 0.0, float("inf") if rate["high"] is None else rate["high"]
    if known == "lower limit":
        return Reading(f"at least {number(low)}", False if low > claim.expects else None)
    if known == "upper limit":
        return Reading(f"at most {number(high)}", False if high < claim.expects else None)
    if known != "both ends" or rate["value"] is None:
        return Reading(f"{known}: {between(rate['low'], rate['high'], 3)}", None)
    return Reading(f"{number(rate['value'])} ({between(low, rate['high'], 3)})", low <= claim.expects <= high)


def _similarity(_: Claim, record: Mapping) -> Reading:
    """The largest difference from the most similar set, with its p after Holm."""
    end = record["by_n"][-1]
    largest = max(end["comparisons"], key=lambda c: abs(c["mean"]))
    seen = min(c["p_holm"] for c in end["comparisons"])
    ends = between(largest["low_materials"], largest["high_materials"], sign=True)
    here = f"largest {number(largest['mean'], 2, sign=True)} ({ends}), smallest Holm p = {number(seen, 2)}"
    return Reading(here, None if end["smallest_p"] >= 0.05 else seen >= 0.05)


def _interaction(_: Claim, record: Mapping) -> Reading:
    """The interaction of n and m in absolute error, in which the paper states it: below zero where they enhance each other."""
    of = record["interaction_materials"]["absolute"]
    here = f"{number(of['value'], 2, sign=True)} ({between(of['low'], of['high'], sign=True)}) per decade of both"
    told = record["trials"] >= FEWEST_TRIALS and not of["low"] <= 0 <= of["high"]
    return Reading(here, of["value"] < 0 if told else None)


def _classes(claim: Claim, records: list[Mapping]) -> Reading:
    """How many of the named classes do what the paper says, and how many the contrary."""
    named = [r for r in records if any(str(r[key]).lower() in map(str.lower, claim.of) for key in ("class", "name"))]
    if not named:
        counts = ", ".join(f"{count} {_does(said)}" for said, count in Counter(r["verdict"] for r in records).most_common())
        return Reading(f"other classes here: {counts}", None)
    said = [r["verdict"] for r in named]
    contrary = {"scales": "does not", "does not": "scales"}[claim.expects]
    here = ", ".join(f"{count} of {len(named)} {_does(word)}" for word, count in Counter(said).most_common())
    if len(named) == 1:
        here = f"{change(named[0]['change'])}: {_does(said[0])}"
    return Reading(here, False if contrary in said else True if 2 * said.count(claim.expects) > len(said) else None)


def _does(said: str) -> str:
    return "does not scale" if said == "does not" else said


def _correlation(_: Claim, record: Mapping) -> Reading:
    """Rank correlation over classes of the change with n and the simulator's own rank correlation: below zero by the paper."""
    c = record["correlations"].get("with_n", {}).get("spearman")
    if not c:
        return Reading("fewer than four classes", None)
    here = f"rank correlation {number(c['spearman'], 2, sign=True)} ({between(c['low'], c['high'], sign=True)})"
    return Reading(here, None if c["low"] <= 0 <= c["high"] else c["high"] < 0)


def _compounds(_: Claim, record: Mapping) -> Reading:
    """How many compounds can be told to gain or to lose with n; "distinguished" asks for most of those that were tested."""
    gains = record["gains"]["with n"]
    said, tested = Counter(gains["verdict"]), sum(p is not None for p in gains["p_bh"])
    told = said["gains"] + said["loses"]
    here = f"of {tested:,} with a test {said['gains']:,} gain, {said['loses']:,} lose, {tested - told:,} cannot be told"
    return Reading(here, True if tested and 2 * told > tested else None)


_READERS: dict[str, Callable[[Claim, Mapping], Reading]] = {
    "more": _more, "transfer": _transfer, "alpha": _constant, "beta": _constant, "C": _constant, "rate": _rate,
    "similarity": _similarity, "interaction": _interaction, "correlation": _correlation, "compounds": _compounds,
}  # fmt: skip
