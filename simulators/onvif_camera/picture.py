"""One picture: grey, with the camera's name, its time, and a box that wanders with the seconds. Out: a JPEG."""

from datetime import datetime
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 360
BOX: Final = 60


def draw(name: str, at: datetime, *, motion: bool = False) -> bytes:
    """A JPEG of `WIDTH` by `HEIGHT`; the box is bright while there is motion. Takes milliseconds: call it in a thread."""
    import cv2
    import numpy as np

    picture = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    left = int(at.timestamp() * 40) % (WIDTH - BOX)
    cv2.rectangle(picture, (left, 180), (left + BOX, 180 + BOX), (80, 220, 255) if motion else (120, 120, 120), -1)
    for line, text in enumerate((name, at.isoformat(sep=" ", timespec="milliseconds"))):
        cv2.putText(picture, text, (16, 40 + 32 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 1)
    written, jpeg = cv2.imencode(".jpg", picture)
    if not written:
        raise RuntimeError("OpenCV wrote no JPEG")
    return bytes(jpeg.tobytes())
