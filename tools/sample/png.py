"""A PNG writer and the pen that draws on it: 16 colours, 4 bits a pixel, stored blocks instead of zlib's choices."""

import struct
import zlib
from dataclasses import dataclass

COLOURS = {
    "paper": 0xFFFFFF,
    "ink": 0x22302C,
    "rule": 0xD5DEDA,
    "green": 0x1F5F50,
    "mint": 0xCFE5DC,
    "amber": 0xE0A030,
    "red": 0xB83A3A,
    "blue": 0x2F6EA8,
    "sky": 0xD6E6F2,
    "sand": 0xF3E9D2,
}
NAMES = list(COLOURS)
# Five columns a letter, each column's seven dots as bits from the top (bit 0) to the foot (bit 6).
LETTERS = {
    "A": "7E0909097E", "B": "7F49494936", "C": "3E41414122", "D": "7F4141413E", "E": "7F49494941",
    "F": "7F09090901", "G": "3E4149497A", "H": "7F0808087F", "I": "00417F4100", "J": "2040413F01",
    "K": "7F08142241", "L": "7F40404040", "M": "7F020C027F", "N": "7F0408107F", "O": "3E4141413E",
    "P": "7F09090906", "Q": "3E4151215E", "R": "7F09192946", "S": "2649494932", "T": "01017F0101",
    "U": "3F4040403F", "V": "0F3040300F", "W": "3F4038403F", "X": "6314081463", "Y": "0708700807",
    "Z": "6151494543", "0": "3E5149453E", "1": "00427F4000", "2": "4261514946", "3": "2241494936",
    "4": "1814127F10", "5": "2745454539", "6": "3C4A494930", "7": "0171090503", "8": "3649494936",
    "9": "064949291E", "-": "0808080808", ".": "0060600000", ":": "0036360000", "/": "2010080402",
    " ": "0000000000", ",": "0050300000", "°": "0006090906",
}  # fmt: skip


@dataclass(frozen=True)
class Canvas:
    """Rows of colour numbers, one byte a pixel until it is written. ``width`` is even."""

    width: int
    height: int
    rows: list[bytearray]

    @classmethod
    def blank(cls, width: int, height: int) -> "Canvas":
        """A white canvas."""
        return cls(width, height, [bytearray(width) for _ in range(height)])

    def box(self, left: int, top: int, right: int, bottom: int, colour: str) -> None:
        """Fill from (left, top) up to, not including, (right, bottom)."""
        for row in self.rows[max(top, 0) : bottom]:
            row[left:right] = bytes([NAMES.index(colour)]) * (right - left)

    def frame(self, left: int, top: int, right: int, bottom: int, colour: str) -> None:
        """Draw the edge of a box, two pixels wide."""
        self.box(left, top, right, top + 2, colour)
        self.box(left, bottom - 2, right, bottom, colour)
        self.box(left, top, left + 2, bottom, colour)
        self.box(right - 2, top, right, bottom, colour)

    def line(self, start: tuple[int, int], end: tuple[int, int], colour: str) -> None:
        """Draw a line, two pixels wide."""
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = start[0] + (end[0] - start[0]) * step // steps
            y = start[1] + (end[1] - start[1]) * step // steps
            self.box(x, y, x + 2, y + 2, colour)

    def text(self, left: int, top: int, text: str, *, colour: str = "ink", scale: int = 1) -> None:
        """Write capitals and digits, six by eight dots each, times ``scale``."""
        for place, letter in enumerate(text.upper()):
            for column, bits in enumerate(bytes.fromhex(LETTERS[letter])):
                for row in range(7):
                    if bits >> row & 1:
                        x, y = left + (6 * place + column) * scale, top + row * scale
                        self.box(x, y, x + scale, y + scale, colour)

    def png(self) -> bytes:
        """The canvas as a PNG file."""
        packed = b"".join(
            b"\0" + bytes(a << 4 | b for a, b in zip(row[::2], row[1::2], strict=True)) for row in self.rows
        )
        head = struct.pack(">IIBBBBB", self.width, self.height, 4, 3, 0, 0, 0)
        palette = b"".join(colour.to_bytes(3, "big") for colour in COLOURS.values())
        chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", _stored(packed)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks: larger than a deflated one, but the same bytes with every zlib there is."""
    size = 0xFFFF
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    blocks = b"".join(
        struct.pack("<BHH", piece is pieces[-1], len(piece), len(piece) ^ 0xFFFF) + piece for piece in pieces
    )
    return b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(data))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
