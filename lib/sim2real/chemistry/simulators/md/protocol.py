"""What is done to a cell, and how it is told to LAMMPS: packing, 21 steps of compression and decompression, and a run at 300 K.

The 21 steps are those of Larsen, Lin, Hart & Colina, Macromolecules 44, 6944 (2011), 1,560 ps in all: seven cycles of heating to
600 K, cooling to 300 K and a run at a pressure that climbs to 50,000 atm and comes down again. Shorter ones keep the shares of the
first 20 steps (760 ps), none below :data:`SHORTEST`.

Time steps are 3 fs: hydrogens weigh three times their mass (:mod:`sim2real.chemistry.simulators.md.cell`) and their bonds are rigid
(SHAKE). Masses change no average of positions at equilibrium; rigid bonds take their vibration out of the heat capacity.
Lennard-Jones and real-space Coulomb forces end at 9 Angstrom, with a correction for the tail of the former and PPPM (1e-4) for the
latter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sim2real.chemistry.simulators.md.cell import HEAVY_HYDROGEN, Size

PROTOCOL = "21 steps (Larsen 2011), 3 fs, hydrogens of 3.024 g/mol, SHAKE, forces to 9 A, tail correction, PPPM 1e-4, GAFF2_mod"
KELVIN, HOT, ATM, PEAK = 300.0, 600.0, 1.0, 50_000.0
FEMTOSECONDS = 3.0
SHORTEST = 1.0  # ps
LONGEST = 500.0  # ps of sampling in one stage, after which it can be gone on from
RECORD_EVERY = 20  # time steps
PACKED = 0.8  # g/cm3 at which the full forces take over
# ps of heating, cooling and pressing in the seven cycles, and the share of the peak pressure
LARSEN = (
    (50, 50, 50, 0.02),
    (50, 100, 50, 0.60),
    (50, 100, 50, 1.00),
    (50, 100, 5, 0.50),
    (5, 10, 5, 0.10),
    (5, 10, 5, 0.01),
    (5, 10, 800, ATM / PEAK),
)
_FIRST_20 = sum(sum(cycle[:3]) for cycle in LARSEN) - LARSEN[-1][2]


@dataclass(frozen=True)
class Step:
    """So many picoseconds at a temperature (K) and a pressure (atm), or at constant volume if that is None."""

    ps: float
    kelvin: float
    atm: float | None = None

    @property
    def steps(self) -> int:
        """Of time."""
        return round(self.ps * 1000 / FEMTOSECONDS)


@dataclass(frozen=True)
class MDStage:
    """What is run at once: it starts from the data file of the stage before and ends in its own, ``NAME.data``."""

    name: str
    start: str
    steps: tuple[Step, ...]
    pack: bool = False
    record: bool = False

    @property
    def time_steps(self) -> int:
        """In all."""
        return sum(step.steps for step in self.steps)


def cycles(squeeze: float, settle: float) -> list[tuple[Step, Step, Step]]:
    """The 21 steps, of which the first 20 take about ``squeeze`` ps and the last one ``settle`` ps."""
    scale = squeeze / _FIRST_20
    made = []
    for hot, cold, press, share in LARSEN:
        last = (hot, cold, press, share) == LARSEN[-1]
        short = [max(SHORTEST, ps * scale) for ps in (hot, cold, press)]
        made.append((Step(short[0], HOT), Step(short[1], KELVIN), Step(settle if last else short[2], KELVIN, share * PEAK)))
    return made


def stages(size: Size, steps: Callable[[float, float], Sequence[tuple[Step, ...]]] = cycles) -> Iterator[MDStage]:
    """All stages after the cell, in order; ``steps`` of each between packing and sampling, from ps of squeezing and of settling."""
    before = "cell"
    parts = -(-size.sample // LONGEST)
    yield MDStage("pack", before, (Step(15, HOT),), pack=True)
    before = "pack"
    for number, cycle in enumerate(steps(size.squeeze, size.settle), start=1):
        yield MDStage(name := f"cycle-{number}", before, cycle)
        before = name
    for number in range(1, int(parts) + 1):
        yield MDStage(name := f"sample-{number}", before, (Step(size.sample / parts, KELVIN, ATM),), record=True)
        before = name


def lammps_input(stage: MDStage, seed: int) -> str:
    """The commands of a stage. It writes ``NAME.part`` and, where it records, ``NAME.csv``: ps, K, g/cm3, kcal/mol, Angstrom^3."""
    # packing is without charges and attraction: chains shall not cling to themselves in empty space
    forces = "pair_style lj/cut 3.0\ncomm_modify cutoff 10.0" if stage.pack else "pair_style lj/cut/coul/long 9.0"
    lines = [
        "units real\natom_style full\nboundary p p p",
        forces,
        "bond_style harmonic\nangle_style harmonic\ndihedral_style fourier\nimproper_style cvff\nspecial_bonds amber",
        f"pair_modify mix arithmetic{'' if stage.pack else ' tail yes'}",
        "" if stage.pack else "kspace_style pppm 1e-4",
        "neighbor 2.0 bin\nneigh_modify delay 0 every 1 check yes",
        f"read_data {stage.start}.data",
        "thermo 1000\nthermo_style custom step temp press density pe ke etotal vol",
    ]
    if stage.pack:
        lines += [
            "minimize 1e-4 1e-6 2000 20000",
            f"velocity all create {KELVIN} {seed + 1} mom yes rot yes dist gaussian",
            f"fix slow all nve/limit 0.1\nfix bath all langevin {KELVIN} {KELVIN} 100 {seed + 1}",
            "timestep 0.5\nrun 2000\nunfix slow\nunfix bath",
        ]
    elif stage.start == "pack":
        lines.append("minimize 1e-4 1e-6 500 5000")
    lines.append(f"fix rigid all shake 1e-4 50 0 m {HEAVY_HYDROGEN:.4f}\ntimestep {FEMTOSECONDS:g}")
    if stage.pack:
        # from g/mol and A3 to g/cm3
        lines.append(f"variable half equal (mass(all)/0.602214076/{PACKED})^(1.0/3.0)/2")
        sides = " ".join(f"{axis} final -${{half}} ${{half}}" for axis in "xyz")
        lines.append(f"fix shrink all deform 1 {sides} units box remap x")
    if stage.record:
        names = {"ps": "step*dt/1000", "kelvin": "temp", "density": "density", "energy": "etotal", "volume": "vol"}
        lines += [f"variable {name}_now equal {what}" for name, what in names.items()]
        row = ",".join(f"${{{name}_now}}" for name in names)
        lines.append(f'fix record all print {RECORD_EVERY} "{row}" file {stage.name}.csv screen no title "{",".join(names)}"')
    for step in stage.steps:
        bath = f"temp {step.kelvin:g} {step.kelvin:g} {100 * FEMTOSECONDS:g}"
        press = f" iso {step.atm:g} {step.atm:g} {300 * FEMTOSECONDS:g}" if step.atm is not None else ""
        lines.append(f"fix move all {'npt' if press else 'nvt'} {bath}{press}\nrun {step.steps}\nunfix move")
    return "\n".join([*filter(None, lines), f"write_data {stage.name}.part", ""])
