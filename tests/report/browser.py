# SPDX-License-Identifier: MIT
"""A headless Chromium, driven over its debugging pipe (Chrome DevTools
Protocol): Python alone will do, no driver program, no port.

    with Browser(profile_folder) as browser:
        page = browser.open("file:///.../report.html", width=1200, scheme="dark")
        page.evaluate("document.title")

usage: browser.py PAGE.html SHOT.png [WIDTH [HEIGHT]]   (the top of a page)
"""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Quiet and without any wish for the network; the pages are files.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-extensions", "--disable-default-apps", "--mute-audio",
    "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-US",
    "--remote-debugging-pipe",
]
NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"]
ANSWER_SECONDS = 60


def find_chromium():
    """Its path, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class BrowserError(Exception):
    pass


class Browser:
    def __init__(self, profile_folder):
        self.next_id = 1
        self.buffer = b""
        self.events = []
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()
        # the protocol's file descriptors are 3 and 4
        command = 'exec "$0" "$@" 3<&%d 4>&%d' % (to_read, to_write)
        self.process = subprocess.Popen(
            ["bash", "-c", command, find_chromium(), *FLAGS,
             "--user-data-dir=" + str(profile_folder)],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(to_read)
        os.close(to_write)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            pass
        try:  # its helpers, too
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def _receive(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                raise BrowserError("the browser does not answer")
            chunk = os.read(self.from_browser, 1 << 20)
            if not chunk:
                raise BrowserError("the browser has ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        message = {"id": self.next_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.next_id += 1
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_browser, data):]
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self._receive(deadline)
            if answer.get("id") != message["id"]:
                self.events.append(answer)
            elif "error" in answer:
                raise BrowserError("%s: %s" % (method, answer["error"]["message"]))
            else:
                return answer["result"]

    def open(self, url, width=1200, height=900, scheme="light"):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target,
                            flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(domain + ".enable")
        page.resize(width, height)
        page.scheme(scheme)
        page.call("Page.navigate", url=url)
        page.wait_for("document.documentElement?.dataset.ready === 'yes'")
        page.settle()
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        """light or dark, as the system would have it"""
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": name}])

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError("%s: %s" % (
                expression, details.get("exception", {}).get("description", details["text"])))
        return result["result"].get("value")

    def wait_for(self, expression, seconds=30):
        deadline = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > deadline:
                raise BrowserError("did not come true: " + expression)
            time.sleep(0.02)

    def settle(self):
        """Two frames: observers have run, charts are drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame("
                      "() => requestAnimationFrame(done)))")

    def rectangle(self, expression):
        return self.evaluate(
            "(() => { const element = %s; element.scrollIntoView({block: 'center'});"
            " const r = element.getBoundingClientRect();"
            " return [r.x, r.y, r.width, r.height]; })()" % expression)

    def hover(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def click(self, expression):
        x, y, width, height = self.rectangle(expression)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x + width / 2,
                      y=y + height / 2, button="left", clickCount=1)
        self.settle()

    def press(self, key, code=None, text=None):
        number = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39, "ArrowLeft": 37}[key]
        params = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
        if text:
            params["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", **params)
        self.call("Input.dispatchKeyEvent", type="keyUp", **params)
        self.settle()

    def screenshot(self, path, height=None):
        """All of the page, however long, or its top."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        size["height"] = height or size["height"]
        shot = self.call("Page.captureScreenshot", format="png",
                         captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"],
                               "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def take_events(self, method):
        mine = [event["params"] for event in self.browser.events
                if event.get("method") == method and event.get("sessionId") == self.session]
        return mine


def main():
    source, shot = sys.argv[1:3]
    width, height = [int(word) for word in sys.argv[3:]] + [1200, None][len(sys.argv) - 3:]
    with tempfile.TemporaryDirectory() as profile, Browser(profile) as browser:
        page = browser.open(Path(source).resolve().as_uri(), width=width)
        page.screenshot(shot, height)


if __name__ == "__main__":
    main()
