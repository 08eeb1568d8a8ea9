# SPDX-License-Identifier: BSD-3-Clause
"""browser: a headless Chromium, driven through chromedriver (W3C WebDriver) with the standard library alone."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.request

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
PATIENCE_S = 60


def missing():
    """The programs that are not installed."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


class Browser:
    """A window of this size in CSS pixels; as a telephone has it if mobile."""

    def __init__(self, width, height, mobile):
        self.folder = tempfile.TemporaryDirectory(prefix="wiremill-browser-")
        # Port 0: it takes a free one and says which.
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       encoding="utf-8")
        self.session = None
        try:
            self.start(width, height, mobile)
        except BaseException:
            self.close()
            raise

    def start(self, width, height, mobile):
        for line in self.driver.stdout:
            match = re.search(r"started successfully on port (\d+)", line)
            if match:
                break
        else:
            raise RuntimeError("chromedriver does not start")
        self.address = f"http://127.0.0.1:{match[1]}"
        options = {"binary": shutil.which("chromium"),
                   "args": [*FLAGS, f"--user-data-dir={self.folder.name}", f"--window-size={width},{height}"]}
        if mobile:
            options["mobileEmulation"] = {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 2, "touch": True}}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, "")["sessionId"]

    def ask(self, method, path, body=None, session=None):
        prefix = f"/session/{self.session}" if session is None else session
        request = urllib.request.Request(self.address + prefix + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy is not for the loopback
        with opener.open(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)["value"]

    def open(self, path):
        self.go(pathlib.Path(path).resolve().as_uri())

    def go(self, address):
        self.ask("POST", "/url", {"url": address})

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def as_on_paper(self):
        """The page takes the style of print, in the window's width."""
        self.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"media": "print"}})

    def print(self, width_cm, height_cm):
        """The PDF of the page on paper of this size."""
        paper = {"page": {"width": width_cm, "height": height_cm}, "background": True, "shrinkToFit": False}
        return base64.b64decode(self.ask("POST", "/print", paper))

    def console(self):
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """The addresses that the page asked for, its own among them; not those of the browser's first page."""
        entries = (json.loads(e["message"])["message"] for e in self.ask("POST", "/se/log", {"type": "performance"}))
        asked = [e["params"] for e in entries if e["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in asked if not params["documentURL"].startswith("chrome:")]

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def close(self):
        try:
            if self.session is not None:
                self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(PATIENCE_S)
            self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
