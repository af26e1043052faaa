"""Command line: ``python -m sim2real COMMAND``, each with ``--help``; listing files does not load torch."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from sim2real.datasets.paths import CACHE

# name -> its module and function, and what it does
COMMANDS = {
    "ask": ("studies.ask", "ask_command", "is your database worth growing: your tables in, an answer and a report out"),
    "curve": ("studies.ask", "curve_command", "the law, the verdict and the forecast of errors that any learner had"),
    "report": ("studies.report", "report_command", "all figures of an edition as one page, the paper's claims beside them"),
    "md": ("studies.md", "md_command", "source data of polymers by molecular dynamics"),
    "run": ("studies.notebooks", "run_command", "run a notebook with other parameters"),
    "tune": ("studies.tuning", "tune_command", "choose hyperparameters on validation data"),
    "data": ("datasets.command", "data_command", "list, fetch or describe the public files"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status of the command; 2 for an unknown one, 130 when interrupted, 143 at SIGTERM."""
    given = sys.argv[1:] if arguments is None else arguments
    name, rest = (given[0] if given else "--help"), given[1:]
    if name not in COMMANDS:
        usage = "".join(f"\n  {command:6} {what}" for command, (_, _, what) in COMMANDS.items())
        if name in ("-h", "--help"):
            print(f"usage: python -m sim2real COMMAND ...\n{usage}")
            return 0
        print(f"unknown command {name!r}; expected one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module, function, _ = COMMANDS[name]
    os.environ["MPLBACKEND"] = "agg"  # commands write files and open no window; another that is set may not exist here
    # jsonschema would compile its grammar of addresses, 4 s of a processor, for a check that notebooks do not ask for
    sys.modules.setdefault("rfc3987_syntax", None)
    shown = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"{message}\n"  # what was found, not the line of code that says so
    # an exit rather than an end, so that what was started is ended too
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return getattr(import_module(f"sim2real.{module}"), function)(rest)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(f"interrupted; {error or 'run it again to go on from what is there'}", file=sys.stderr)
        return 130
    except OSError as error:
        print(_what_to_do(error), file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
        warnings.formatwarning = shown


def _what_to_do(error: OSError) -> str:
    """One line: as the library says it, or, of the system's own errors, where it happened, why, and the way out."""
    if not (error.strerror and error.filename):
        return f"{error.strerror}; what was stored is kept: mend that, and run it again" if error.strerror else str(error)
    where = Path(os.fsdecode(error.filename)).absolute()
    of_cache = where.is_relative_to(CACHE) or CACHE.is_relative_to(where)
    way_out = "SIM2REAL_CACHE chooses another folder" if of_cache else "give another path, or make this one readable and writable"
    return f"{where}: {error.strerror}; {way_out}"


if __name__ == "__main__":
    sys.exit(main())
