"""The simulated courthouse: broker, two door controllers, a panic panel, wireless buttons, two cameras, a station.

In: a `DemoSite`. Out: simulators listening where the site's files say, each behind a cable that can be pulled.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from rich.markup import escape

from secd.model.secret import CardBits, CardNumber
from secd.wire.wiegand import encode_card
from simulators.broker import EmbeddedBroker
from simulators.control import Control, serve_control
from simulators.demo.site import DemoSite
from simulators.door_controller.controller import DoorController
from simulators.faults import FaultyLink, SimulatedClock
from simulators.monitoring_station.station import MonitoringStation
from simulators.mqtt_peer import Login
from simulators.onvif_camera.camera import OnvifCamera
from simulators.panic_panel.panel import PanicPanel
from simulators.wireless_buttons.gateway import WirelessButtons

CARDS = {
    "clerk": CardNumber(format="H10301", facility=12, number=1001),
    "cleaner": CardNumber(format="H10301", facility=12, number=1003),
    "deputy": CardNumber(format="C1k35", facility=1234, number=567890),
    "stranger": CardNumber(format="H10301", facility=77, number=4242),
}


def card(whose: str) -> CardBits:
    """The bits of somebody's card."""
    return encode_card(CARDS[whose])


class Courthouse:
    """Every simulated thing of the site; use as an async context manager. `ahead_s`: their clocks against this machine's."""

    def __init__(self, site: DemoSite, *, ahead_s: float = 0.0, say: Callable[[str], None] | None = None) -> None:
        self._site = site
        self._stack = AsyncExitStack()
        self.public_board = DoorController(name="public-board")
        self.secure_board = DoorController(name="secure-board")
        self.panel = PanicPanel(name="panic-panel")
        camera_password = (site.directory / "secrets" / "camera-password").read_text().strip()
        self.east_cam = OnvifCamera(name="east-cam", password=camera_password, port=site.ports["east-cam"])
        self.court_cam = OnvifCamera(
            name="courtroom-a-cam", password=camera_password, port=site.ports["courtroom-a-cam"]
        )
        self.broker = EmbeddedBroker(
            port=site.broker_port, users=dict.fromkeys(("secd", "sheriff", "buttons"), site.password)
        )
        self._say = say
        self._clock = SimulatedClock()
        self._clock.jump(ahead_s)
        for camera in (self.east_cam, self.court_cam):
            camera.jump_clock(seconds=ahead_s)

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        await enter(self.broker)
        await enter(self.public_board)
        await enter(self.secure_board)
        await enter(self.panel)
        await enter(self.east_cam)
        await enter(self.court_cam)
        ports = self._site.ports
        self.public_cable = await enter(
            FaultyLink(self.public_board.port, name="public-cable", port=ports["public-board"])
        )
        self.secure_cable = await enter(
            FaultyLink(self.secure_board.port, name="secure-cable", port=ports["secure-board"])
        )
        self.panel_cable = await enter(FaultyLink(self.panel.port, name="panel-cable", port=ports["panic-panel"]))
        self.buttons = await enter(
            WirelessButtons(
                broker=self.broker.address,
                topic="buttons/courthouse",
                buttons=("badge-1", "badge-2"),
                login=Login(username="buttons", password=self._site.password),
                clock=self._clock,
            )
        )
        self.station = await enter(
            MonitoringStation(
                broker=self.broker.address,
                instance="county-a",
                site="courthouse",
                login=Login(username="sheriff", password=self._site.password),
                show=self._show,
                clock=self._clock,
            )
        )
        await enter(serve_control(self._control(), port=self._site.control_port))
        return self

    def _control(self) -> Control:
        return Control((
            self.public_board, self.secure_board, self.panel, self.public_cable, self.secure_cable, self.panel_cable,
            self.east_cam, self.court_cam, self.buttons, self.station, self.broker,
        ))  # fmt: skip

    def _show(self, line: str) -> None:
        if self._say is not None:
            self._say(f"    [cyan]station[/cyan] {escape(line)}")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
