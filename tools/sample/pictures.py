"""The sample Vault's pictures: a temperature chart, a site map and a signed page."""

from itertools import pairwise

from sample.png import Canvas
from sample.tables import temperatures

WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, TOP, FOOT = 48, 464, 44, 236


def temperature_chart() -> bytes:
    """Cold store 2 over a day, with the limit and what was above it in red."""
    canvas = Canvas.blank(WIDTH, HEIGHT)
    canvas.text(LEFT, 14, "Cold store 2, 3 March 2026", colour="green", scale=2)
    for degrees in range(2, 12, 2):
        canvas.box(LEFT, _height(degrees), RIGHT, _height(degrees) + 1, "rule")
        canvas.text(14, _height(degrees) - 3, f"{degrees:2d}°C")
    for hour in range(0, 25, 4):
        x = LEFT + (RIGHT - LEFT) * hour // 24
        canvas.box(x, FOOT, x + 1, FOOT + 5, "ink")
        canvas.text(x - 14, FOOT + 10, f"{hour:02d}:00")
    canvas.box(LEFT, _height(8), RIGHT, _height(8) + 2, "amber")
    canvas.text(RIGHT - 60, _height(8) - 11, "Limit 8°C", colour="amber")
    readings = [value for _, value in temperatures()]
    points = [(LEFT + (RIGHT - LEFT) * tick // len(readings), _height(value)) for tick, value in enumerate(readings)]
    for tick in range(1, len(points)):
        high = max(readings[tick - 1 : tick + 1]) > 8
        canvas.line(points[tick - 1], points[tick], "red" if high else "blue")
    canvas.box(LEFT, TOP, LEFT + 1, FOOT + 1, "ink")
    canvas.box(LEFT, FOOT, RIGHT, FOOT + 1, "ink")
    return canvas.png()


def site_map() -> bytes:
    """Where the filling lines, the laboratory and the cold stores are."""
    canvas = Canvas.blank(WIDTH, HEIGHT)
    canvas.text(20, 12, "Site map, building B", colour="green", scale=2)
    rooms = (
        (20, 40, 180, 140, "mint", "Line 1"),
        (190, 40, 350, 140, "mint", "Line 2"),
        (20, 150, 180, 250, "sand", "Line 3"),
        (190, 150, 265, 250, "sky", "B 114"),
        (275, 150, 350, 250, "sky", "B 117"),
        (360, 40, 460, 90, "sky", "Cold 1"),
        (360, 100, 460, 140, "sky", "Cold 2"),
        (360, 150, 460, 250, "rule", "Warehouse"),
    )
    for left, top, right, bottom, colour, name in rooms:
        canvas.box(left, top, right, bottom, colour)
        canvas.frame(left, top, right, bottom, "ink")
        canvas.text((left + right) // 2 - 3 * len(name), (top + bottom) // 2 - 3, name)
    for nozzle in range(12):
        canvas.box(34 + 12 * nozzle, 226, 41 + 12 * nozzle, 240, "green")
    canvas.text(70, 214, "12 nozzles", colour="green")
    return canvas.png()


def signed_page() -> bytes:
    """The last page of the installation qualification, as if it came from a scanner."""
    canvas = Canvas.blank(240, 320)
    canvas.frame(6, 6, 234, 314, "rule")
    canvas.text(24, 24, "VAL-0011", colour="green", scale=2)
    canvas.text(24, 48, "Installation qualification")
    for row in range(9):
        canvas.box(24, 72 + 14 * row, 216 - row * 37 % 60, 75 + 14 * row, "rule")
    canvas.text(24, 216, "All tests passed.")
    canvas.text(24, 280, "N. Lind, 13.02.2026")
    strokes = ((30, 262), (44, 236), (50, 264), (62, 240), (70, 260), (84, 248), (92, 262), (120, 244), (150, 256))
    for start, end in pairwise(strokes):
        canvas.line(start, end, "blue")
    canvas.box(24, 270, 160, 271, "ink")
    return canvas.png()


def _height(degrees: float) -> int:
    return int(FOOT - (degrees - 1) / 10 * (FOOT - TOP))
