"""A PDF writer for papers: A4, standard fonts, streams not compressed, so that the bytes never depend on zlib."""

from dataclasses import dataclass, field

from sample.paper import COMPANY, Block, Grid, Heading, Paper, Paragraph, Step

WIDTH, HEIGHT, MARGIN = 595, 842, 64
TOP, BOTTOM = HEIGHT - 100, 84
BODY, LEADING = 10.5, 15.0


def write(paper: Paper) -> bytes:
    """The paper as a PDF 1.4 file, with metadata and one text stream a page."""
    pages = _Layout(paper).pages()
    return _file(paper, [_furniture(paper, index, len(pages)) + page for index, page in enumerate(pages)])


@dataclass
class _Layout:
    """Sets blocks from top to bottom and starts a page when one is full."""

    paper: Paper
    done: list[str] = field(default_factory=list)
    page: list[str] = field(default_factory=list)
    y: float = TOP
    step: int = 0

    def pages(self) -> list[str]:
        """The drawing operators of each page."""
        self._title()
        for block in self.paper.blocks:
            self.step = self.step + 1 if isinstance(block, Step) else 0
            self._block(block)
        self._turn()
        return self.done

    def _title(self) -> None:
        for line in wrap(self.paper.title, 22, WIDTH - 2 * MARGIN):
            self._line(line, "F2", 22, MARGIN, 30)
        self._line(f"{self.paper.number}, version {self.paper.version}, {self.paper.date}", "F1", BODY, MARGIN, 26)

    def _block(self, block: Block) -> None:
        match block:
            case Heading(text):
                self._room(60)
                self.y -= 10
                self._line(text, "F2", 13, MARGIN, 20)
            case Paragraph(text):
                self._running(text, MARGIN)
            case Step(text):
                self._room(LEADING)
                self.page.append(_text(f"{self.step}.", "F2", BODY, MARGIN, self.y))
                self._running(text, MARGIN + 22)
            case Grid(rows):
                self._grid(rows)

    def _running(self, text: str, x: float) -> None:
        for line in wrap(text, BODY, WIDTH - MARGIN - x):
            self._line(line, "F1", BODY, x, LEADING)
        self.y -= 5

    def _grid(self, rows: tuple[tuple[str, ...], ...]) -> None:
        width = (WIDTH - 2 * MARGIN) / len(rows[0])
        self.y -= 5
        for number, row in enumerate(rows):
            cells = [wrap(cell, 9.5, width - 12) for cell in row]
            height = 14 * max(map(len, cells)) + 8
            self._room(height)
            shade = f"0.90 0.94 0.92 rg {MARGIN} {self.y - height + 12:.1f} {WIDTH - 2 * MARGIN} {height} re f 0 g\n"
            self.page.append(shade if number == 0 else "")
            for column, lines in enumerate(cells):
                x = MARGIN + column * width
                self.page.append(f"0.6 G {x:.1f} {self.y - height + 12:.1f} {width:.1f} {height} re S 0 G\n")
                for index, line in enumerate(lines):
                    font = "F2" if number == 0 else "F1"
                    self.page.append(_text(line, font, 9.5, x + 6, self.y - 3 - 14 * index))
            self.y -= height
        self.y -= 14

    def _line(self, text: str, font: str, size: float, x: float, leading: float) -> None:
        self._room(leading)
        self.page.append(_text(text, font, size, x, self.y))
        self.y -= leading

    def _room(self, height: float) -> None:
        if self.y - height < BOTTOM:
            self._turn()

    def _turn(self) -> None:
        if self.page:
            self.done.append("".join(self.page))
        self.page, self.y = [], TOP


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines of at most ``width`` points; letter widths are rounded to a few classes, enough for ragged text."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer) * size > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _width(text: str) -> float:
    return sum(_letter(letter) for letter in text)


def _letter(letter: str) -> float:
    if letter in "ijl'|!.,:;Ift()-/ r":
        return 0.31
    if letter in "mwMW%@":
        return 0.87
    return 0.69 if letter.isupper() else 0.56


def _furniture(paper: Paper, index: int, count: int) -> str:
    head, foot = HEIGHT - 56, 50
    rules = f"0.15 0.42 0.36 RG 1.2 w {MARGIN} {head - 10} m {WIDTH - MARGIN} {head - 10} l S 0.5 w 0 G\n"
    page = f"Page {index + 1} of {count}"
    return "".join(
        [
            rules,
            _text(COMPANY, "F2", 10, MARGIN, head),
            _text(paper.number, "F1", 10, WIDTH - MARGIN - _width(paper.number) * 10, head),
            _text(f"{paper.title}, version {paper.version}", "F1", 8.5, MARGIN, foot),
            _text(page, "F1", 8.5, WIDTH - MARGIN - _width(page) * 8.5, foot),
        ]
    )


def _text(text: str, font: str, size: float, x: float, y: float) -> str:
    return f"BT /{font} {size} Tf {x:.1f} {y:.1f} Td ({_escape(text)}) Tj ET\n"


def _escape(text: str) -> str:
    """A PDF string's inside: WinAnsi, what is not ASCII as octal codes."""
    codes = text.encode("cp1252")
    return "".join(
        f"\\{code:03o}" if code > 126 else f"\\{chr(code)}" if chr(code) in "\\()" else chr(code) for code in codes
    )


def _file(paper: Paper, pages: list[str]) -> bytes:
    kids = " ".join(f"{6 + 2 * index} 0 R" for index in range(len(pages)))
    stamp = f"D:{paper.date.replace('-', '')}090000Z"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        (
            f"<< /Title ({_escape(paper.title)}) /Subject ({_escape(paper.number)}) /Author ({COMPANY}) "
            f"/CreationDate ({stamp}) /ModDate ({stamp}) >>"
        ),
    ]
    for index, page in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {7 + 2 * index} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(page)} >>\nstream\n{page}endstream")
    return _assemble(objects)


def _assemble(objects: list[str]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode("ascii")
    out += "".join(f"{offset:010d} 00000 n \n" for offset in offsets).encode("ascii")
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{table}\n%%EOF\n".encode(
        "ascii"
    )
    return bytes(out)
