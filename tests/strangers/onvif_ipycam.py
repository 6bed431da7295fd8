"""Starts the PyPI camera `ipycam` with drawn frames, lets our driver connect, and prints what it reported and fetched as JSON.

Runs alone in its process, in a network of its own where the kernel allows that: ipycam listens on every address.
`python onvif_ipycam.py open|locked`: without a login, or with one for SOAP (and HTTP Basic for pictures).
"""

import asyncio
import json
import socket
import sys
import threading
from typing import Any

import numpy as np
from ipycam import CameraConfig, IPCamera

from secd.drivers.onvif_camera import FAMILY, OnvifCameraSettings
from secd.model.facts import DeviceTold, LinkChanged
from secd.model.names import DeviceId, OrderId
from secd.model.order import DeviceOrder, FetchPicture
from secd.model.secret import Secret
from secd.runtime.clock import SystemClock


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(*, locked: bool) -> tuple[IPCamera, threading.Event]:
    login = {"username": "secd", "password": "camera-password"} if locked else {}
    config = CameraConfig(
        local_ip="127.0.0.1", onvif_port=free_port(), rtsp_port=free_port(), main_width=320, main_height=240, **login
    )
    camera = IPCamera(config)
    camera.start()
    done, streaming = threading.Event(), threading.Event()

    def stream() -> None:
        frame = np.full((240, 320, 3), 90, np.uint8)
        while not done.is_set():
            camera.stream(frame)
            streaming.set()

    threading.Thread(target=stream, daemon=True).start()
    streaming.wait(20)
    return camera, done


async def watch(port: int, password: str) -> dict[str, Any]:
    settings = OnvifCameraSettings.model_validate(
        {
            "driver": "onvif_camera",
            "address": f"http://127.0.0.1:{port}",
            "login": {"username": "secd", "password": {"environment": "UNUSED"}},
        }
    )
    clock = SystemClock()
    driver = FAMILY.build(DeviceId("cam"), settings, clock, lambda _ref: Secret(password))
    facts: list[Any] = []
    up = asyncio.Event()

    def report(observation: Any) -> None:
        facts.append(observation.fact)
        if isinstance(observation.fact, LinkChanged):
            up.set()

    run = asyncio.create_task(driver.run(report, lambda: None))
    waiting = asyncio.create_task(up.wait())
    await asyncio.wait({run, waiting}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if run.done():
        return {"ended": type(run.exception()).__name__}
    order = DeviceOrder(
        id=OrderId("o"), device=DeviceId("cam"), act=FetchPicture(), expires_mono_s=clock.now().mono_s + 15
    )
    outcome = await driver.perform(order)
    run.cancel()
    await asyncio.wait({run})
    return {
        "told": [fact.what for fact in facts if isinstance(fact, DeviceTold)],
        "up": [fact.up for fact in facts if isinstance(fact, LinkChanged)],
        "done": outcome.done,
        "detail": outcome.detail,
        "starts": (outcome.picture or b"")[:3].hex(),
    }


def main() -> None:
    locked = sys.argv[1] == "locked"
    camera, done = start(locked=locked)
    port = camera.config.onvif_port
    said = {"right": asyncio.run(watch(port, "camera-password"))}
    if locked:
        said["wrong"] = asyncio.run(watch(port, "another"))
    done.set()
    print(json.dumps(said), flush=True)  # noqa: T201
    camera.stop()


if __name__ == "__main__":
    main()
