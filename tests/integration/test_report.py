#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The page of wiremill-compare --html, as Chromium shows it.

usage: test_report.py WIREMILL_COMPARE REAL SYNTHETIC

SCREENSHOTS=FOLDER keeps pictures of the page.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import browser
import claims

COMPARE, REAL, SYNTH = sys.argv[1:]
WINDOWS, FOLDER, CLOSING = {}, [], contextlib.ExitStack()
SIZES = {"desktop": (1280, 900, False), "telephone": (360, 740, True)}

# Colours of all text that is seen, against what is behind it (WCAG 2.1, contrast ratio).
CONTRASTS = """
const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parse = s => s.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = e => {
    for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length == 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
};
const faint = [];
for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), color = parse(e.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(color), light(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(e.tagName + " '" + e.textContent.trim().slice(0, 30) + "' " + ratio.toFixed(2));
}
return faint;
"""

# What stands out of a picture is cut off.
CUT_OFF = """
const cut = [];
for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
        const r = text.getBoundingClientRect();
        if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1)
            cut.push(svg.getAttribute("aria-label").slice(0, 40) + ": " + text.textContent);
    }
}
return cut;
"""

SHAPE = """
const all = s => [...document.querySelectorAll(s)];
const ids = all("[id]").map(e => e.id);
return {
    lang: document.documentElement.lang,
    title: document.title,
    h1: all("h1").length,
    levels: all("h1,h2,h3").map(e => Number(e.tagName[1])),
    figures: all("figure").length,
    nameless: all("svg").filter(e => !(e.getAttribute("role") == "img" && e.getAttribute("aria-label"))).length,
    captionless: all("table").filter(e => !e.caption || !e.tHead).length,
    scripts: all("script").length,
    repeated: ids.filter((id, i) => ids.indexOf(id) != i),
    dead: all("a[href^='#']").filter(a => !document.getElementById(a.hash.slice(1))).length,
    small: Math.min(...all("svg text").map(e => e.getBoundingClientRect().height)),
    rows: all("#metrics tbody tr").length,
};
"""


def make_page(folder):
    page = pathlib.Path(folder, "report <&\" é.html")
    # A name that would be markup if it were not escaped.
    synth = pathlib.Path(folder, "<img src=x onerror=alert(1)>.pcap.gz")
    shutil.copy(SYNTH, synth)
    subprocess.run([COMPARE, REAL, synth, "--html", page, "--quiet"], check=True, stdout=subprocess.DEVNULL, timeout=300)
    return page


def windows():
    """Each size with the page open in it; opened once."""
    if not WINDOWS:
        folder = CLOSING.enter_context(tempfile.TemporaryDirectory())
        FOLDER.append(folder)
        page = make_page(folder)
        for name, size in SIZES.items():
            WINDOWS[name] = CLOSING.enter_context(browser.Browser(*size))
            WINDOWS[name].open(page)
    return WINDOWS.items()


def the_page_opens_without_errors_and_asks_for_nothing():
    for name, window in windows():
        asked = window.requests()
        others = [url for url in asked if not url.startswith(("file:", "data:"))]
        assert asked and not others, f"{name}: {others}"
        complaints = window.console()
        assert not complaints, f"{name}: {complaints}"
        if "SCREENSHOTS" in os.environ:
            window.screenshot(pathlib.Path(os.environ["SCREENSHOTS"], f"{name}.png"))


def nothing_runs_over_the_edge_and_everything_can_be_read():
    for name, window in windows():
        width, room = window.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= room, f"{name}: the page is {width} pixels wide, the window {room}"
        for what, script in {"cut off": CUT_OFF, "too faint": CONTRASTS}.items():
            found = window.run(script)
            assert not found, f"{name}: {what}: {found}"
        smallest = window.run(SHAPE)["small"]
        assert smallest >= 10, f"{name}: text in plots is {smallest} pixels high"


def it_prints_on_a4_and_letter_with_nothing_cut_off():
    window = dict(windows())["desktop"]
    for name, width_cm, height_cm in (("A4", 21.0, 29.7), ("letter", 21.59, 27.94)):
        pdf = window.print(width_cm, height_cm)
        pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
        assert pdf.startswith(b"%PDF-") and 8 <= pages <= 24, f"{name}: {pages} pages"
    with browser.Browser(703, 900, False) as paper:  # 688 are left of A4 by margins of 14 mm; a scroll bar's 15
        paper.open(next(pathlib.Path(FOLDER[0]).glob("*.html")))
        paper.as_on_paper()
        width, room = paper.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= room, f"{width} pixels wide on paper of {room}"
        for what, script in {"cut off": CUT_OFF, "too faint": CONTRASTS}.items():
            found = paper.run(script)
            assert not found, f"{what}: {found}"
        assert paper.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
        end = paper.run("return document.querySelector('#summary .card').getBoundingClientRect().bottom + scrollY")
        assert end < 1000, f"the summary's words end at {end}, behind the first page of A4 (269 mm)"


def the_page_is_built_for_those_who_hear_it():
    shape = dict(windows())["desktop"].run(SHAPE)
    assert shape["lang"] == "en" and shape["title"] and shape["h1"] == 1, shape
    assert all(b - a <= 1 for a, b in zip(shape["levels"], shape["levels"][1:])), f"a level is left out: {shape['levels']}"
    assert shape["nameless"] == shape["captionless"] == shape["scripts"] == shape["dead"] == 0, shape
    assert shape["repeated"] == [], shape
    assert shape["figures"] > 15 and shape["rows"] > 40, shape


def a_missing_gnuplot_is_told_before_the_work_and_leaves_no_file():
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "page.html")
        run = subprocess.run([COMPARE, REAL, SYNTH, "--html", page], env={"PATH": folder}, capture_output=True, encoding="utf-8",
                             check=False, timeout=60)
        assert run.returncode == 2 and run.stdout == "" and not page.exists(), run
        assert run.stderr.count("\n") == 1 and "gnuplot" in run.stderr and "apt-get" in run.stderr, run.stderr


def needs_a_browser(function):
    def checked():
        lacking = browser.missing() + [name for name in ["gnuplot"] if shutil.which(name) is None]
        if lacking and "CI" in os.environ:
            raise RuntimeError(f"not installed: {lacking}")
        if lacking:
            raise claims.Skip(f"not installed: {', '.join(lacking)}")
        function()

    checked.__name__ = function.__name__
    return checked


with CLOSING:
    claims.run("wiremill-compare --html", [
        needs_a_browser(the_page_opens_without_errors_and_asks_for_nothing),
        needs_a_browser(nothing_runs_over_the_edge_and_everything_can_be_read),
        needs_a_browser(it_prints_on_a4_and_letter_with_nothing_cut_off),
        needs_a_browser(the_page_is_built_for_those_who_hear_it),
        a_missing_gnuplot_is_told_before_the_work_and_leaves_no_file,
    ])
