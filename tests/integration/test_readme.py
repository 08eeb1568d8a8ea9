#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What README.md tells people to put into CI works.

usage: test_readme.py README CAPTURE PROGRAM...
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import claims

README, CAPTURE, *PROGRAMS = sys.argv[1:]


def commands():
    """The commands of ours in the CI examples, each once, in order."""
    text = pathlib.Path(README).read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) == 2, f"{len(blocks)} examples"
    lines = [re.sub(r"^ *- (run: )?", "", line) for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if re.match(r"wiremill(-\w+)? ", line)))


def the_examples_for_ci_pass_as_they_stand():
    found = commands()
    assert len(found) == 3, f"the examples differ: {found}"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "reference.pcap").write_bytes(pathlib.Path(CAPTURE).read_bytes())
        path = os.pathsep.join([str(pathlib.Path(program).parent.resolve()) for program in PROGRAMS] + [os.environ["PATH"]])
        for command in found:
            run = subprocess.run(shlex.split(command), cwd=folder, env={**os.environ, "PATH": path}, capture_output=True,
                                 encoding="utf-8", check=False, timeout=280)
            if "gnuplot" in run.stderr and "CI" not in os.environ:
                raise claims.Skip(run.stderr.strip())
            assert run.returncode == 0, f"{command}: status {run.returncode}\n{run.stdout}{run.stderr}"
        assert pathlib.Path(folder, "report.html").stat().st_size > 10000


claims.run("README.md", [
    the_examples_for_ci_pass_as_they_stand,
])
