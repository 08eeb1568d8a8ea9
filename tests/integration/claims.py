# SPDX-License-Identifier: BSD-3-Clause
"""claims: run test functions whose names are claims, and report them the way cmocka does.

A function that raises fails; one that raises Skip (with the reason) is skipped.
"""

import os
import sys
import time
import traceback


# How much longer all may take than on a machine that does nothing else: scripts/check sets it for slow builds.
PATIENCE = int(os.environ.get("WIREMILL_PATIENCE", "1"))


class Skip(Exception):
    """What this test needs is not there."""


def run(title, functions):
    """Run all; exit status 0, 1 if one failed, 77 if all were skipped."""
    failed, skipped = [], []
    print(f"[==========] Running {len(functions)} test(s).", flush=True)
    for function in functions:
        name = function.__name__
        print(f"[ RUN      ] {name}", flush=True)
        start = time.monotonic()
        try:
            function()
            print(f"[       OK ] {name}")
        except Skip as reason:
            skipped.append(name)
            print(f"[  SKIPPED ] {name}\nskipped: {reason}")
        except Exception:  # whatever it is, the next test is to run
            failed.append(name)
            print(f"{traceback.format_exc()}[  FAILED  ] {name}")
        took = time.monotonic() - start
        if took > 10:
            print(f"{name} took {took:.0f} s")
        sys.stdout.flush()
    print(f"[==========] {title}: {len(functions)} test(s) run.")
    if failed:
        sys.exit(1)
    sys.exit(77 if functions and len(skipped) == len(functions) else 0)
