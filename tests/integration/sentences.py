# SPDX-License-Identifier: BSD-3-Clause
"""sentences: what the programs can say when they refuse or fail: in the sources, and in the DIAGNOSTICS of a man page.

Both come to the same shape: '*' stands for what is put in. In a page that is a word in capitals, in the sources a
conversion of printf. Words in capitals that are meant as they stand become '*' in both.
"""

import pathlib
import re

LITERALS = re.compile(r'"(?:[^"\\]|\\.)*"(?:\s*(?:[A-Z]\w+\s*)?"(?:[^"\\]|\\.)*")*(?:\s+[A-Z]\w+)?')
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[(),]')
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j)?[a-zA-Z]|%")


def shape(text):
    return re.sub(r"\*+", "*", re.sub(r"[A-Z][A-Z0-9_]+", "*", text))


def shape_of_format(literals):
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"|([A-Z]\w+)', re.sub(r'%"\s*PRI\w+', '%d"', literals))
    text = "".join("%s" if macro else part for part, macro in parts)
    text = text.replace('\\"', '"').replace("%%", "\0")
    return shape(CONVERSION.sub("*", text).replace("\0", "%"))


def arguments(source, at):
    """Those of a call whose parenthesis was opened in front of `at`."""
    depth, begin, found = 1, at, []
    for token in TOKEN.finditer(source, at):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if (token[0] == "," and depth == 1) or depth == 0:
            found.append(source[begin:token.start()])
            begin = token.end()
        if depth == 0:
            return found
    raise AssertionError("a call does not end")


def of_sources(root):
    """{(file, "set" or "sys", shape)}"""
    found = set()
    for path in sorted(pathlib.Path(root).glob("*/**/*.c")):
        name = str(path.relative_to(root))
        if not name.startswith(("lib/", "app/")) or name == "lib/base/err.c":
            continue
        source = path.read_text(encoding="utf-8")
        for call in re.finditer(r"\bwm_err_(set|sys)\(", source):
            for literals in LITERALS.finditer(arguments(source, call.end())[2]):
                found.add((name, call[1], shape_of_format(literals[0])))
    return found


def of_page(page):
    """[the sentences of DIAGNOSTICS, as they stand there]"""
    text = pathlib.Path(page).read_text(encoding="utf-8")
    section = re.search(r"^\.Sh DIAGNOSTICS\n(.*?)^\.Sh ", text, re.M | re.S)
    assert section, f"{page} has no DIAGNOSTICS"
    return [line.replace("\\(dq", '"').replace("\\&", "").replace("\\e", "\\")
            for line in re.findall(r"^\.It (.*)$", section[1], re.M)]


def pattern(sentence):
    """What a sentence of a page looks like when it is said."""
    return re.compile(".*".join(re.escape(part) for part in shape(sentence).split("*")))
