#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A program's man page holds the options of its --help, no more and no fewer.

usage: test_man.py PROGRAM MAN_PAGE
"""

import pathlib
import re
import shutil
import subprocess
import sys

import claims

PROGRAM, PAGE = sys.argv[1:]


def options_of_help():
    """{"-o, --output MODEL", ...}"""
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, encoding="utf-8", check=True, timeout=60).stdout
    return {match[1] for match in re.finditer(r"^ +((?:-\w, )?--[\w-]+(?: [^ ]+)?)  ", text, re.M)}


def options_of_page():
    """The items `.It Fl o Ar MODEL , Fl -output Ar MODEL`, written as in --help."""
    items = set()
    for line in pathlib.Path(PAGE).read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"\.It (?:Fl (\w)(?: Ar (\S+))? , )?Fl -([\w-]+)(?: Ar (\S+))?", line)
        if match:
            letter, short_arg, name, arg = match.groups()
            assert letter is None or short_arg == arg, f"{line}: two arguments"
            items.add((f"-{letter}, " if letter else "") + f"--{name}" + (f" {arg}" if arg else ""))
    return items


def the_page_and_help_name_the_same_options():
    in_help, in_page = options_of_help(), options_of_page()
    assert in_help, "no options found in --help"
    assert in_help == in_page, f"only in --help: {in_help - in_page}; only in the page: {in_page - in_help}"


def mandoc_finds_nothing_to_complain_about():
    if shutil.which("mandoc") is None:
        raise claims.Skip("mandoc is not installed")
    run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, encoding="utf-8",
                         check=False, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


claims.run(f"man page {pathlib.Path(PAGE).name}", [
    the_page_and_help_name_the_same_options,
    mandoc_finds_nothing_to_complain_about,
])
