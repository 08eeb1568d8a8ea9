#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The status page as Chromium shows it, /metrics as Prometheus reads them, and what is refused.

usage: test_http.py WIREMILL MODEL

SCREENSHOTS=FOLDER keeps pictures of the page.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import sys
import tempfile
import time

import browser
import claims
import running
from running import Run, eal

WIREMILL, MODEL = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
FOLDER = tempfile.TemporaryDirectory()
PORTS = ("--vdev", "net_ring0", "--vdev", "net_null0,no-rx=1")
SIZES = {"desktop": (1280, 900, False), "telephone": (360, 740, True)}

# Colours of all text that is seen, against what is behind it (WCAG 2.1, contrast ratio).
FAINT = """
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
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(e.tagName + " '" + e.textContent.trim().slice(0, 30) + "' " + ratio.toFixed(2));
}
return faint;
"""

SHAPE = """
const all = s => [...document.querySelectorAll(s)];
return {
    lang: document.documentElement.lang, title: document.title, h1: all("h1").length,
    levels: all("h1,h2,h3").map(e => Number(e.tagName[1])),
    captionless: all("table").filter(e => !e.caption || !e.tHead).length,
    unscoped: all("th").filter(e => !e.scope).length,
    nameless: all("svg").filter(e => !e.getAttribute("aria-label")).length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    cards: all("dl div").length, tables: all("table").length, points: document.querySelector("polyline").getAttribute("points"),
    state: document.getElementById("state").textContent, text: document.body.innerText,
    small: Math.min(...all("body *").filter(e => e.innerText && e.getClientRects().length).map(e => parseFloat(getComputedStyle(e).fontSize))),
};
"""


@contextlib.contextmanager
def serving(*words, where="0", vdevs=PORTS):
    """A run with a page: (run, its address and port)."""
    with Run(WIREMILL, FOLDER.name, *eal(*vdevs), "-m", MODEL, "-m", MODEL + ",label=a \\quoted' label", "-r", "5kpps",
             "--http", where, *words) as run:
        match = running.wait_for(lambda: re.search(r"http://(\[?[\d.:a-f]+?\]?):(\d+)/", run.said()) or run.process.poll() and 1)
        assert match != 1, run.said()
        at = (match[1].strip("[]"), int(match[2]))
        running.wait_for(lambda: began(at))
        yield run, at


def began(at):
    with contextlib.suppress(OSError):
        return json.loads(get(at, "/status.json")[2])["status"]


def get(at, path, method="GET", body=None, headers=None):
    connection = http.client.HTTPConnection(*at, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def metrics_of(at):
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        raise claims.Skip("python3-prometheus-client is not installed") from None
    status, headers, body = get(at, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
    return {family.name: family for family in text_string_to_metric_families(body.decode())}


def prometheus_reads_the_metrics_and_counters_only_grow():
    with serving("--receive") as (_, at):
        first = metrics_of(at)
        time.sleep(1)
        second = metrics_of(at)
        status = json.loads(get(at, "/status.json")[2])["status"]
    assert set(first) == set(second), set(first) ^ set(second)
    counters = 0
    for name, family in second.items():
        assert re.fullmatch(r"wiremill_[a-z0-9_]+", name) and family.documentation.endswith("."), family
        assert family.type in ("counter", "gauge", "histogram") and family.samples, family
        before = {(s.name, tuple(sorted(s.labels.items()))): s.value for s in first[name].samples}
        assert len(before) == len(first[name].samples), f"{name}: the same labels twice"
        for s in family.samples:
            was = before[(s.name, tuple(sorted(s.labels.items())))]
            if family.type != "gauge":
                counters += 1
                assert s.value >= was >= 0, (s, was)
    assert counters > 60, counters

    def value(name, **labels):
        return sum(s.value for s in second[name].samples if labels.items() <= s.labels.items())
    sent = value("wiremill_sent_packets")
    assert 0 < sent <= status["packets"] and sent > first["wiremill_sent_packets"].samples[0].value
    assert sent == value("wiremill_queue_sent_packets"), second
    assert abs(sent - value("wiremill_model_sent_packets")) <= 32  # of a burst that the queue is just counting
    assert value("wiremill_fresh_packets") == sent + value("wiremill_oversize_packets") + value("wiremill_lost_packets") \
        + value("wiremill_waiting_packets")
    assert value("wiremill_port_link_up", device="net_null0") == 1
    assert any(s.labels["label"] == "a \\quoted' label" for s in second["wiremill_model_sent_packets"].samples)
    gaps = [s for s in second["wiremill_gap_error_seconds"].samples if s.name.endswith("_bucket")]
    heights = [s.value for s in gaps]
    assert heights == sorted(heights) and gaps[-1].labels["le"] == "+Inf" and heights[-1] > 0
    assert second["wiremill_gap_error_seconds"].type == "histogram"


def metrics_of_a_pcap_are_as_good():
    with Run(WIREMILL, FOLDER.name, "-m", MODEL, "-o", "/dev/null", "--http", "127.0.0.1:0") as run:
        port = running.wait_for(lambda: re.search(r"http://127.0.0.1:(\d+)/", run.said()))[1]
        at = ("127.0.0.1", int(port))
        running.wait_for(lambda: began(at))
        names = metrics_of(at)
        assert names["wiremill_sent_packets"].samples[0].value > 0 and "wiremill_gap_error_seconds" not in names


def anything_but_reading_is_refused():
    with serving() as (run, at):
        for method, path, status in (("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/?x=1", 200), ("GET", "/nothing", 404),
                                     ("GET", "/../etc/passwd", 404), ("GET", "//", 404), ("POST", "/", 405), ("PUT", "/metrics", 405),
                                     ("DELETE", "/", 405), ("OPTIONS", "/", 405), ("TRACE", "/", 405), ("BREW", "/", 405),
                                     ("GET", "/" + "x" * 3000, 404)):
            said = get(at, path, method)
            assert said[0] == status, (method, path, said)
            assert status != 405 or said[1]["Allow"] == "GET, HEAD", said
            assert "default-src 'none'" in said[1]["Content-Security-Policy"] and said[1]["X-Content-Type-Options"] == "nosniff"
        assert get(at, "/", "GET", body=b"x" * 10)[0] == 413
        assert get(at, "/", "POST", body=b"x" * 100000)[0] == 405
        assert get(at, "/", headers={"Transfer-Encoding": "chunked"})[0] == 413
        for host, status in (("localhost", 200), (f"127.0.0.1:{at[1]}", 200), ("127.0.0.2", 200), ("[::1]:9", 200),
                             ("evil.example", 403), ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403)):
            assert get(at, "/status.json", headers={"Host": host})[0] == status, host
        for line, codes in ((b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", (b"414", b"431", b"400")),
                            (b"GET / HTTP/1.1\r\nX: " + b"a" * 100000 + b"\r\n\r\n", (b"431", b"413", b"400")),
                            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (b"400", b"405", b"505")),
                            (b"nonsense\r\n\r\n", (b"400", b"405", b"505"))):
            answer = raw(at, line)
            assert not answer or answer.split(b" ")[1] in codes, answer[:200]
        assert get(at, "/")[0] == 200 and run.process.poll() is None


def raw(at, data):
    with socket.create_connection(at, timeout=60) as s, contextlib.suppress(ConnectionError):
        s.sendall(data)
        return s.recv(4096)
    return b""


def slow_clients_are_sent_away_and_hold_up_nobody():
    with serving() as (run, at), contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(at, timeout=60)) for _ in range(20)]
        for s in slow:
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        begin, gone = time.monotonic(), set()
        while len(gone) < len(slow):
            assert time.monotonic() - begin < 30, f"{len(slow) - len(gone)} are still there"
            for i, s in enumerate(slow):
                try:
                    s.sendall(b"X: y\r\n")  # never quite silent
                    s.setblocking(False)
                    if s.recv(100) == b"":
                        gone.add(i)
                except BlockingIOError:
                    pass
                except OSError:
                    gone.add(i)
                finally:
                    s.settimeout(60)
            asked = time.monotonic()
            assert get(at, "/metrics")[0] == 200 and time.monotonic() - asked < 3
            time.sleep(1)
        assert time.monotonic() - begin > 5
        many = [stack.enter_context(socket.create_connection(at, timeout=60)) for _ in range(100)]
        assert len(many) == 100
        running.wait_for(lambda: answers(at))
        assert run.process.poll() is None


def answers(at):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return get(at, "/")[0] == 200


def it_listens_on_loopback_unless_told_otherwise():
    with serving() as (_, at):
        assert at[0] == "127.0.0.1"
    with serving(where="0.0.0.0:0") as (_, at):
        assert get(("127.0.0.1", at[1]), "/", headers={"Host": "testbed.example"})[0] == 200
    if socket.has_ipv6 and pathlib.Path("/proc/net/if_inet6").exists() and pathlib.Path("/proc/net/if_inet6").read_text():
        with serving(where="[::1]:0") as (_, at):
            assert get(("::1", at[1]), "/")[0] == 200
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for where, word in ((str(taken.getsockname()[1]), "Address already in use"), ("localhost:80", "numeric"), ("70000", "numeric"),
                            (":80", "numeric"), ("-1", "numeric"), ("[::1", "numeric"), ("192.0.2.1:8", "assign"), ("", "empty")):
            with Run(WIREMILL, FOLDER.name, "-m", MODEL, "-o", "/dev/null", "-n", "5", "--http", where) as run:
                assert run.end() == 2 and word in run.said() and run.said().count("\n") == 1, (where, run.said())


def the_page_works_without_a_word_on_the_console():
    if browser.missing():
        raise claims.Skip(f"{', '.join(browser.missing())} not installed")
    with serving("--receive") as (run, at):
        for name, (width, height, mobile) in SIZES.items():
            with browser.Browser(width, height, mobile) as window:
                window.go(f"http://{at[0]}:{at[1]}/")
                shape = running.wait_for(lambda: (s := window.run(SHAPE))["points"].count(",") >= 3 and s)
                assert shape["lang"] == "en" and shape["title"] and shape["h1"] == 1, shape
                assert all(b - a <= 1 for a, b in zip(shape["levels"], shape["levels"][1:])), shape["levels"]
                assert shape["captionless"] == shape["unscoped"] == shape["nameless"] == 0, shape
                assert shape["wide"] <= 0, f"{name}: {shape['wide']} pixels are beyond the edge"
                assert shape["cards"] >= 9 and shape["tables"] == 4 and shape["state"] == "running", shape
                assert "net_null0" in shape["text"] and "\\quoted' label" in shape["text"], shape["text"]
                assert "NaN" not in shape["text"] and "undefined" not in shape["text"], shape["text"]
                assert shape["small"] >= 12, shape["small"]
                assert window.run(FAINT) == []
                if "SCREENSHOTS" in os.environ:
                    window.screenshot(pathlib.Path(os.environ["SCREENSHOTS"], f"status-{name}.png"))
                assert {r.split("/")[2] for r in window.requests() if not r.startswith("data:")} == {f"{at[0]}:{at[1]}"}
                assert window.console() == []
                if name == "telephone":
                    run.process.terminate()
                    running.wait_for(lambda: "no answer" in window.run("return document.getElementById('state').textContent"))
                    if "SCREENSHOTS" in os.environ:
                        window.screenshot(pathlib.Path(os.environ["SCREENSHOTS"], "status-ended.png"))


claims.run("http", [
    prometheus_reads_the_metrics_and_counters_only_grow,
    metrics_of_a_pcap_are_as_good,
    anything_but_reading_is_refused,
    slow_clients_are_sent_away_and_hold_up_nobody,
    it_listens_on_loopback_unless_told_otherwise,
    the_page_works_without_a_word_on_the_console,
])
