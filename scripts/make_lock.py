"""Write the pins of the running interpreter's environment to requirements.lock and environment.yml.

    .venv/bin/python scripts/make_lock.py

Run it in an environment that holds exactly ``pip install --editable .[cluster,lab,test]``. Local version labels (torch's ``+cpu``)
are left out: which build of torch fits a machine is the installer's choice.
"""

from __future__ import annotations

import subprocess
import sys

from sim2real.datasets.paths import ROOT

HEADER = "# exact versions that the figures and tests were made with; written by scripts/make_lock.py\n"
CONDA = f"""{HEADER}name: sim2real
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pins() -> list[str]:
    """``name==version`` of every installed distribution but this one and pip, in alphabetical order."""
    frozen = subprocess.run(
        [sys.executable, "-m", "pip", "freeze", "--all", "--exclude", "pip", "--exclude-editable"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split("+")[0] for line in frozen.stdout.splitlines() if "==" in line]
    return sorted(lines, key=str.lower)


def main() -> None:
    found = pins()
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(found) + "\n")
    (ROOT / "environment.yml").write_text(CONDA + "".join(f"      - {pin}\n" for pin in found))
    print(f"{len(found)} pins")


if __name__ == "__main__":
    main()
