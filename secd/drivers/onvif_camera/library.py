"""Loading the SOAP library, onvif-zeep-async: a fifth of a second, so only when the first camera is connected.

Out: our `client` module, which stands on it. Undoes what importing it does to the process: a handler and a level on the root
logger; its own loggers are silenced, because they write a traceback for every odd value a camera sends.
"""

import functools
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


@functools.cache
def load_client() -> "ModuleType":
    """`secd.drivers.onvif_camera.client`, imported. Call it in a thread."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        from secd.drivers.onvif_camera import client
    finally:
        for handler in [one for one in root.handlers if one not in handlers]:
            root.removeHandler(handler)
        root.setLevel(level)
    for name in ("zeep", "zeep.client", "onvif"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return client
