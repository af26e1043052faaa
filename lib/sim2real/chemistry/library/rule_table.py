"""The table of polymerisation rules: what reacts, in which order the residues stand in the chain, the class aimed at.

Textbook reactions (Odian, Principles of Polymerization, 4th ed., Wiley 2004) written as sequences of residues. Some
routes (an alkene by dehydration, then addition) are formal. The idea of a virtual library made by polymerisation rules:
Ohno et al., J. Chem. Inf. Model. 63, 5539 (2023); the rules here are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A polymerisation.

    Attributes:
        name: what reacts.
        polymer_class: the class that the rule aims at; the class of a unit is decided by its structure.
        parts: kinds of monomers and fragments (SMILES with two ``*``; a fragment with ``[1*]`` takes a side chain).
        partners: how many comonomers each molecule meets.
        share: the fraction of the molecules that is used (chosen by hash), so that no class swamps the others.
    """

    name: str
    polymer_class: str
    parts: tuple[str, ...]
    partners: int = 1
    share: float = 1.0


def _addition(polymer_class: str, *kinds: str) -> list[Rule]:
    return [Rule(f"{kind}: addition", polymer_class, (kind,)) for kind in kinds]


def _alternating(polymer_class: str, kinds: tuple[str, ...], others: tuple[str, ...], share: float) -> list[Rule]:
    return [Rule(f"{a} + {b}: alternating", polymer_class, (a, b), share=share) for a in kinds for b in others]


_OLEFINS = ("olefin", "alcohol to olefin", "halide to olefin", "carbonyl to olefin", "acid to olefin",
            "halide to vinyl compound")  # fmt: skip
_HALO_OLEFINS = (
    "halo-olefin", "polyhalide to halo-olefin", "vicinal halide to halo-olefin", "olefin to chloro-olefin",
    "olefin to bromo-olefin", "olefin to fluoro-olefin", "alkyne to chloro-olefin", "alkyne to fluoro-olefin",
    "carbonyl to difluoro-olefin",
)  # fmt: skip
_DIENES = ("diene", "enol to diene", "enone to diene", "diol to diene", "enyne to diene")

RULES: tuple[Rule, ...] = (
    *_addition("P01", *_OLEFINS),
    *_addition("P02", "styrene", "aryl carbonyl to styrene"),
    *_addition("P04", "acrylic"),
    *_addition("P05", *_HALO_OLEFINS),
    *_addition("P06", *_DIENES, "diene (1,2)", "acetylene"),
    *_addition("P03", "vinyl"),
    Rule("cyclic olefin: ring-opening metathesis", "P06", ("cyclic olefin",)),
    *_alternating("P01", _OLEFINS, ("olefin",), 0.6),
    *_alternating("P05", _HALO_OLEFINS, ("olefin", "halo-olefin"), 0.15),
    *_alternating("P06", (*_DIENES, "cyclic olefin", "acetylene"), ("olefin",), 0.35),
    Rule("olefin + diene: alternating", "P06", ("olefin", "diene")),
    Rule("carboxylic acid + vinyl alcohol: vinyl ester", "P03", ("*CC(*)O[1*]", "acid"), share=0.4),
    Rule("alcohol: vinyl ether", "P03", ("*CC(*)[1*]", "alcohol"), share=0.15),
    Rule("aryl halide: styrene", "P02", ("*CC(*)[1*]", "aryl halide")),
    Rule("alcohol: 4-vinylphenyl ether", "P02", ("*CC(*)c1ccc([1*])cc1", "alcohol"), share=0.1),
    Rule("alkyl halide: 4-alkylstyrene", "P02", ("*CC(*)c1ccc([1*])cc1", "alkyl halide"), share=0.25),
    Rule("alcohol: acrylate", "P04", ("*CC(*)C(=O)[1*]", "alcohol"), share=0.2),
    Rule("alcohol: methacrylate", "P04", ("*CC(*)(C)C(=O)[1*]", "alcohol"), share=0.2),
    Rule("amine: acrylamide", "P04", ("*CC(*)C(=O)[1*]", "amine"), share=0.35),
    Rule("epoxide: ring opening", "P07", ("epoxide",)),
    Rule("oxetane: ring opening", "P07", ("oxetane",)),
    Rule("oxolane: ring opening", "P07", ("oxolane",)),
    Rule("phenol: oxidative coupling", "P07", ("phenol",)),
    Rule("alcohol: glycidyl ether", "P07", ("*OCC(*)C[1*]", "alcohol"), share=0.12),
    Rule("diol + dihalide: polyether", "P07", ("diol", "dihalide"), 2, share=0.35),
    Rule("thiirane: ring opening", "P08", ("thiirane",)),
    Rule("thietane: ring opening", "P08", ("thietane",)),
    Rule("mercapto acid: polythioester", "P08", ("mercapto acid",)),
    Rule("alcohol: thioglycidyl ether", "P08", ("*SCC(*)C[1*]", "alcohol"), share=0.08),
    Rule("dithiol + dihalide: polysulfide", "P08", ("dithiol", "dihalide"), 4, share=0.3),
    Rule("dihalide + sodium sulfide: polysulfide", "P08", ("dihalide", "*S*")),
    Rule("dihalide + sodium disulfide: polysulfide", "P08", ("dihalide", "*SS*")),
    Rule("aryl dihalide + sodium sulfide: polysulfide", "P08", ("aryl dihalide", "*S*")),
    Rule("aryl dihalide + dithiol: polysulfide", "P08", ("aryl dihalide", "dithiol"), 3, share=0.4),
    Rule("lactone: ring opening", "P09", ("lactone",)),
    Rule("hydroxy acid: polyester", "P09", ("hydroxy acid",)),
    Rule("diacid + diol: polyester", "P09", ("diacid", "diol"), 2, share=0.6),
    Rule("anhydride + diol: polyester", "P09", ("anhydride", "diol"), 1, share=0.3),
    Rule("lactam: ring opening", "P10", ("lactam",)),
    Rule("amino acid: polyamide", "P10", ("amino acid",)),
    Rule("diacid + diamine: polyamide", "P10", ("diacid", "diamine"), 3),
    Rule("diol + diisocyanate: polyurethane", "P11", ("diol", "*C(=O)*", "diamine", "*C(=O)*"), 2),
    Rule("amino alcohol: polyurethane", "P11", ("amino alcohol", "*C(=O)*")),
    Rule("diamine + carbonyl: polyurea", "P12", ("diamine", "*C(=O)*")),
    Rule("diamine + diisocyanate: polyurea", "P12", ("diamine", "*C(=O)*", "diamine", "*C(=O)*"), 5),
    Rule("dianhydride + diamine: polyimide", "P13", ("dianhydride", "diamine core"), 5),
    Rule("anhydride acid + diamine: polyamide-imide", "P13", ("anhydride acid", "diamine core"), 8),
    Rule("diacid: polyanhydride", "P14", ("diacid", "*O*")),
    Rule("diacid + diacid: polyanhydride", "P14", ("diacid", "*O*", "diacid", "*O*"), 9),
    Rule("diol + carbonyl: polycarbonate", "P15", ("diol", "*C(=O)*")),
    Rule("bisphenol + carbonyl: polycarbonate", "P15", ("bisphenol", "*C(=O)*")),
    Rule("diol + diol + carbonyl: polycarbonate", "P15", ("diol", "*C(=O)*", "diol", "*C(=O)*"), 2),
    Rule("cyclic carbonate: ring opening", "P15", ("cyclic carbonate",)),
    Rule("aziridine: ring opening", "P16", ("aziridine",)),
    Rule("oxazoline: ring opening", "P16", ("oxazoline",)),
    Rule("acid: N-acyl ethylenimine", "P16", ("*CCN(*)[1*]", "acid"), share=0.35),
    Rule("dialdehyde + diamine: polyimine", "P16", ("dialdehyde", "diamine core"), 2),
    Rule("dicarbonyl + diamine: polyimine", "P16", ("dicarbonyl", "diamine core"), 2, share=0.7),
    Rule("amine + aryl dihalide: polyamine", "P16", ("amine nitrogen", "aryl dihalide"), 1, share=0.4),
    Rule("silane + water: polysiloxane", "P17", ("silane", "*O*")),
    Rule("silane + silane + water: polysiloxane", "P17", ("silane", "*O*", "silane", "*O*"), 4),
    Rule("alkene + hydrosilane: polysiloxane", "P17", ("*[Si](C)([1*])O*", "terminal alkene")),
    Rule("alcohol: alkoxysiloxane", "P17", ("*[Si](C)([1*])O*", "alcohol"), share=0.4),
    Rule("alcohol: polyphosphazene", "P18", ("*N=P(*)([1*])[1*]", "alcohol"), share=0.28),
    Rule("alcohol + trifluoroethanol: polyphosphazene", "P18", ("*N=P(*)([1*])OCC(F)(F)F", "alcohol"), share=0.28),
    Rule("amine: polyphosphazene", "P18", ("*N=P(*)([1*])[1*]", "amine"), share=0.4),
    Rule("bisphenol + ketone dihalide: poly(ether ketone)", "P19", ("bisphenol", "ketone dihalide"), 3, share=0.6),
    Rule("diol + ketone dihalide: poly(ether ketone)", "P19", ("diol", "ketone dihalide"), 1, share=0.4),
    Rule("diacid + arene: polyketone", "P19", ("diacid", "arene"), 5, share=0.08),
    Rule("olefin + carbon monoxide: polyketone", "P19", ("olefin", "*C(=O)*")),
    Rule("vinyl compound + carbon monoxide: polyketone", "P19", ("vinyl", "*C(=O)*"), share=0.4),
    Rule("bisphenol + sulfone dihalide: poly(ether sulfone)", "P20", ("bisphenol", "sulfone dihalide"), 2),
    Rule("diol + sulfone dihalide: poly(ether sulfone)", "P20", ("diol", "sulfone dihalide"), 1, share=0.5),
    Rule("olefin + sulfur dioxide: polysulfone", "P20", ("olefin", "*S(=O)(=O)*")),
    Rule("vinyl compound + sulfur dioxide: polysulfone", "P20", ("vinyl", "*S(=O)(=O)*"), share=0.5),
    Rule("disulfone + dihalide: polysulfone", "P20", ("disulfone", "dihalide"), 4, share=0.35),
    Rule("aryl dihalide: polyphenylene", "P21", ("aryl dihalide",)),
    Rule("aryl dihalide + aryl dihalide: polyphenylene", "P21", ("aryl dihalide", "aryl dihalide"), 5, share=0.8),
)  # fmt: skip
