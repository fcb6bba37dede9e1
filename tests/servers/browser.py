"""Headless Chromium: what a page shows, logs and asks for."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from tools import missing

from servers import axe
from servers.process import program


class Browser:
    """One Chromium; `open` shows a file in a colour scheme."""

    def __init__(self) -> None:
        options = ChromeOptions()
        options.binary_location = (
            shutil.which("chromium") or shutil.which("google-chrome") or missing("no Chromium")
        )
        for argument in (
            "--headless=new",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
        ):
            options.add_argument(argument)
        if os.geteuid() == 0:  # its sandbox refuses root
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = Chrome(options=options, service=ChromeService(program("chromedriver")))

    def open(self, path: Path, scheme: str) -> None:
        """Show a file as a reader does whose system is `light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())

    def resize(self, width: int, height: int = 900) -> None:
        """Lay pages out for a screen of so many points, from now on; a window is never less than 500 wide."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def press(self, *keys: str) -> None:
        """Type keys (`selenium.webdriver.common.keys.Keys`, or letters) as a person does."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def axe(self) -> list[axe.Finding]:
        """What axe-core finds in the page that is serious or critical."""
        return axe.findings(self)

    def script(self, text: str) -> Any:
        """Result of a JavaScript expression in the page, or in the frame that was switched to."""
        return self.driver.execute_script(f"return {text}")

    def messages(self) -> list[str]:
        """What the console got since it was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """URLs asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [each["params"] for each in events if each["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent]

    def picture(self, path: Path, most: int = 16_000) -> None:
        """The page as PNG as it is laid out now (`resize`), down to its end or to so many points."""
        metrics = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": metrics["width"], "height": min(most, metrics["height"]), "scale": 1}
        shot = {"captureBeyondViewport": True, "clip": clip}
        found = self.driver.execute_cdp_cmd("Page.captureScreenshot", shot)
        path.write_bytes(base64.b64decode(found["data"]))

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG, in the layout of a window 1100 points wide."""
        self.driver.set_window_size(1100, 900)
        self.driver.set_window_size(
            1100, min(16000, int(self.script("document.documentElement.scrollHeight")) + 150)
        )
        self.driver.save_screenshot(str(path))

    def close(self) -> None:
        """End it."""
        self.driver.quit()
