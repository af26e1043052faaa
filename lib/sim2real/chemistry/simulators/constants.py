"""Published constants of the quick simulators, each table with its source and with how far it was checked.

"Checked against X": compared with X when the table was written. "Not re-checked": the source itself was not at hand and no
independent copy was found. Nothing here was fitted to a property that the project predicts; what is not published but chosen
stands in :mod:`sim2real.chemistry.simulators.polymer` under "Choices", with what anchored it.
"""

from __future__ import annotations

AVOGADRO = 6.02214076e23  # 1/mol, exact (SI 2019)
BOLTZMANN = 1.380649e-23  # J/K, exact (SI 2019)
GAS = AVOGADRO * BOLTZMANN  # J/(mol K)

# Standard atomic weights, g/mol (IUPAC 2021, abridged). Checked against RDKit's periodic table.
ATOMIC_MASS = {
    1: 1.008, 5: 10.81, 6: 12.011, 7: 14.007, 8: 15.999, 9: 18.998, 14: 28.086, 15: 30.974, 16: 32.06, 17: 35.45,
    35: 79.904, 53: 126.904,
}  # fmt: skip

# Van der Waals radii, Angstrom: A. Bondi, J. Phys. Chem. 68, 441 (1964); boron, which Bondi does not list, from
# M. Mantina et al., J. Phys. Chem. A 113, 5806 (2009). Checked against mendeleev (vdw_radius_bondi; boron: vdw_radius);
# bromine is 1.83 there (Mantina's revision) and 1.85 in Bondi's table as RDKit and most codes quote it, kept here.
VDW_RADIUS = {
    1: 1.20, 5: 1.92, 6: 1.70, 7: 1.55, 8: 1.52, 9: 1.47, 14: 2.10, 15: 1.80, 16: 1.80, 17: 1.75, 35: 1.85, 53: 1.98,
}  # fmt: skip

# Single-bond covalent radii, Angstrom: B. Cordero et al., Dalton Trans. 2832 (2008). Checked against RDKit (and mendeleev, which
# lists carbon's sp2 value, 0.73). Carbon is the sp3 value; multiple bonds are shortened by BOND_SHORTENING.
COVALENT_RADIUS = {
    1: 0.31, 5: 0.84, 6: 0.76, 7: 0.71, 8: 0.66, 9: 0.57, 14: 1.11, 15: 1.07, 16: 1.05, 17: 1.02, 35: 1.20, 53: 1.39,
}  # fmt: skip

# Length of a bond of order 1, 1.5, 2, 3 (keys: twice the order) over that of the single bond: C-C 1.53, 1.40, 1.33,
# 1.20 Angstrom, textbook averages (F. H. Allen et al., J. Chem. Soc. Perkin Trans. 2, S1 (1987), not re-checked).
BOND_SHORTENING = {2: 1.0, 3: 0.915, 4: 0.87, 6: 0.78}

# Distance H...acceptor in a hydrogen bond, Angstrom: O-H...O 1.82 (Ceccarelli, Jeffrey & Taylor, J. Mol. Struct. 70,
# 255 (1981)), N-H...O=C 1.92 (Taylor, Kennard & Versichel, Acta Cryst. B 40, 280 (1984)). As quoted by G. A. Jeffrey,
# "An Introduction to Hydrogen Bonding" (1997), not re-checked.
HYDROGEN_BOND = {8: 1.82, 7: 1.92}

# Average atomic hybrid polarisabilities (ahp), cubic Angstrom: K. J. Miller, J. Am. Chem. Soc. 112, 8533 (1990). All numbers
# checked against the copy in CDPKit (AtomicHybridPolarizabilities.hpp); the rules that pick a hybrid follow it too.
MILLER = {
    "H": 0.387, "CTE": 1.061, "CTR": 1.352, "CBR": 1.896, "CDI": 1.283, "NTE": 0.964, "NTR2": 1.030, "NPI2": 1.090,
    "NDI": 0.956, "OTE": 0.637, "OTR4": 0.569, "OPI2": 0.274, "STE": 3.000, "STR4": 3.729, "SPI2": 2.700, "PTE": 1.538,
    "F": 0.296, "Cl": 2.315, "Br": 3.013, "I": 5.415,
}  # fmt: skip

# Elements that Miller does not list, by subtracting his values from the Lorentz-Lorenz polarisability of molecules with
# handbook n_D (20 C) and density (not re-checked). Si from tetramethylsilane (n 1.3587, d 0.648: 2.98) and
# tetraethoxysilane (1.383, 0.933: 1.87), linear in the number of oxygens on it; hexamethyldisiloxane (1.3774, 0.7638)
# gives 2.72, between them where it should be. B from trimethyl borate (1.3568, 0.915).
SILICON_POLARIZABILITY, SILICON_LOSS_PER_OXYGEN = 2.98, 0.28
BORON_POLARIZABILITY = 1.28

# Cohesive energies, J/mol: R. F. Fedors, Polym. Eng. Sci. 14, 147 (1974), table as reprinted in D. W. van Krevelen, "Properties
# of Polymers" (1990), ch. 7. Compared with a second, rounded copy in cal/mol (a public feature script): CH3, CH2, CH, C, phenyl,
# OH, CO, CO2, NH2, NH, N, ring, S, Cl, F agree; for the ether O that copy has 1000 cal/mol (here 800), for Si 1400 (here 810).
# All others as tabulated in Fedors, not re-checked. As a whole they give the measured enthalpies of vaporisation at 298 K (less
# RT) of 602 liquids (CRC table in the package `chemicals`) with r = 0.96 and a mean absolute error of 3.3 kJ/mol.
FEDORS = {
    "CH3": 4710.0, "CH2": 4940.0, "CH": 3430.0, "C": 1470.0,
    "C=": 4310.0,  # =CH2, =CH- and =C<
    "HC#": 3850.0, "C#": 7070.0,
    "C aromatic": 31940.0 / 6.0,  # phenyl and every phenylene
    "ring of 5 or more": 1050.0, "ring of 3 or 4": 3140.0,
    "F": (4190.0, 3560.0, 2300.0),  # one, two, three of the same halogen on an atom
    "Cl": (11550.0, 9630.0, 7530.0), "Br": (15490.0, 12350.0, 10670.0), "I": (19050.0, 16740.0, 16740.0),
    "CF2 or CF3, perfluoro": 4270.0,
    "halogen on C=C": 0.8,  # factor
    "OH": 29800.0, "OH, vicinal": 21850.0, "O": 3350.0,
    "CO": 17370.0, "CHO": 21350.0, "COOH": 27630.0, "CO2": 18000.0, "CO3": 17580.0, "C2O3": 30560.0,
    "CONH2": 41860.0, "CONH": 33490.0, "CON": 29510.0, "OCONH": 26370.0, "NHCONH": 50230.0, "NCO": 28460.0,
    "CN": 25530.0, "NH2": 12560.0, "NH": 8370.0, "N": 4190.0, "N=": 11720.0, "N=N": 4190.0,
    "NO2": 29300.0, "NO2, aromatic": 15360.0,
    "SH": 14440.0, "S": 14150.0, "S in S-S": 11930.0,
    "P": 9420.0, "P=O": 10880.0,  # PO4 (20930) less three O
    "Si": 3390.0, "B": 13810.0,
}  # fmt: skip

# Sulfoxide and sulfone, which Fedors does not list: enthalpies of vaporisation at 298 K less RT and less Fedors'
# other groups, dimethyl sulfoxide (52.9 kJ/mol) and sulfolane (about 69 kJ/mol); handbook values, not re-checked.
SULFOXIDE, SULFONE = 41000.0, 45700.0
