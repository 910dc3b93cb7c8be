"""DOCX and XLSX writers: the smallest packages that Word, Excel and LibreOffice open without a complaint."""

import io
import zipfile
from xml.sax.saxutils import escape

from sample.paper import COMPANY, Block, Grid, Heading, Paper, Paragraph, Step

PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
PROGRAM = "application/vnd.openxmlformats-officedocument"


def docx(paper: Paper) -> bytes:
    """The paper as a Word document."""
    parts = {
        "word/document.xml": ("wordprocessingml.document.main+xml", _document(paper)),
        "word/styles.xml": ("wordprocessingml.styles+xml", _styles()),
        "word/numbering.xml": ("wordprocessingml.numbering+xml", _numbering(_procedures(paper))),
        "word/footer1.xml": ("wordprocessingml.footer+xml", _footer(paper)),
    }
    relations = (("styles", "styles.xml"), ("numbering", "numbering.xml"), ("footer", "footer1.xml"))
    return _package(parts, "word/document.xml", relations, _core(paper.title, paper.number, paper.date))


def xlsx(title: str, date: str, rows: tuple[tuple[str | float, ...], ...]) -> bytes:
    """One sheet, whose first row is the head, as an Excel workbook."""
    workbook = (
        f'<workbook xmlns="{SHEET}" xmlns:r="{RELATION}"><sheets>'
        f'<sheet name="{escape(title)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    parts = {
        "xl/workbook.xml": ("spreadsheetml.sheet.main+xml", workbook),
        "xl/worksheets/sheet1.xml": ("spreadsheetml.worksheet+xml", _sheet(rows)),
        "xl/styles.xml": ("spreadsheetml.styles+xml", _sheet_styles()),
    }
    relations = (("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml"))
    return _package(parts, "xl/workbook.xml", relations, _core(title, "", date))


def _procedures(paper: Paper) -> int:
    """How many runs of steps the paper has: each is numbered from 1."""
    before = (None, *paper.blocks)
    return sum(
        isinstance(block, Step) and not isinstance(last, Step)
        for last, block in zip(before, paper.blocks, strict=False)
    )


def _document(paper: Paper) -> str:
    body = [
        _paragraph(paper.title, "Title"),
        _paragraph(f"{COMPANY}: {paper.number}, version {paper.version}, {paper.date}", "Subtitle"),
    ]
    run, last = 0, None
    for block in paper.blocks:
        run += isinstance(block, Step) and not isinstance(last, Step)
        body.append(_block(block, run))
        last = block
    page = (
        '<w:sectPr><w:footerReference w:type="default" r:id="rId3"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1417" w:right="1417" w:bottom="1417" w:left="1417" '
        'w:header="708" w:footer="708" w:gutter="0"/>'
        "</w:sectPr>"
    )
    return f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATION}"><w:body>{"".join(body)}{page}</w:body></w:document>'


def _block(block: Block, run: int) -> str:
    match block:
        case Heading(text):
            return _paragraph(text, "Heading1")
        case Paragraph(text):
            return _paragraph(text, "Normal")
        case Step(text):
            number = f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{run}"/></w:numPr>'
            return _paragraph(text, "Normal", number)
        case Grid(rows):
            return _table(rows)


def _paragraph(text: str, style: str, more: str = "", bold: str = "") -> str:
    run = f'<w:r>{bold}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{more}</w:pPr>{run}</w:p>'


def _table(rows: tuple[tuple[str, ...], ...]) -> str:
    width = 9072 // len(rows[0])
    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="8A9A94"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    head = f'<w:tblPr><w:tblW w:w="{width * len(rows[0])}" w:type="dxa"/><w:tblBorders>{edges}</w:tblBorders></w:tblPr>'
    grid = "<w:tblGrid>" + f'<w:gridCol w:w="{width}"/>' * len(rows[0]) + "</w:tblGrid>"
    body = "".join(_row(row, width, head=number == 0) for number, row in enumerate(rows))
    return f"<w:tbl>{head}{grid}{body}</w:tbl>{_paragraph('', 'Normal')}"


def _row(row: tuple[str, ...], width: int, *, head: bool) -> str:
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="E5F0EB"/>' if head else ""
    bold = "<w:rPr><w:b/></w:rPr>" if head else ""
    sides = f'<w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr>'
    cells = "".join(f"<w:tc>{sides}{_paragraph(cell, 'Normal', bold=bold)}</w:tc>" for cell in row)
    return f"<w:tr>{cells}</w:tr>"


def _styles() -> str:
    fonts = '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/>'
    default = f'<w:docDefaults><w:rPrDefault><w:rPr>{fonts}<w:sz w:val="21"/></w:rPr></w:rPrDefault></w:docDefaults>'
    styles = [
        _style("Normal", "Normal", '<w:spacing w:after="100"/>', "", default=True),
        _style("Title", "Title", '<w:spacing w:after="120"/>', '<w:b/><w:color w:val="1F5F50"/><w:sz w:val="44"/>'),
        _style("Subtitle", "Subtitle", '<w:spacing w:after="240"/>', '<w:color w:val="555555"/>'),
        _style(
            "Heading1",
            "heading 1",
            '<w:keepNext/><w:spacing w:before="240" w:after="100"/><w:outlineLvl w:val="0"/>',
            '<w:b/><w:sz w:val="26"/>',
        ),
    ]
    return f'<w:styles xmlns:w="{WORD}">{default}{"".join(styles)}</w:styles>'


def _style(identity: str, name: str, paragraph: str, run: str, *, default: bool = False) -> str:
    mark = ' w:default="1"' if default else ""
    base = "" if default else '<w:basedOn w:val="Normal"/><w:next w:val="Normal"/>'
    return (
        f'<w:style w:type="paragraph" w:styleId="{identity}"{mark}><w:name w:val="{name}"/>{base}<w:qFormat/>'
        f"<w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
    )


def _numbering(runs: int) -> str:
    abstract = "".join(
        f'<w:abstractNum w:abstractNumId="{run}"><w:multiLevelType w:val="singleLevel"/><w:lvl w:ilvl="0">'
        '<w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/><w:lvlJc w:val="left"/>'
        '<w:pPr><w:ind w:left="454" w:hanging="454"/></w:pPr></w:lvl></w:abstractNum>'
        for run in range(1, runs + 1)
    )
    concrete = "".join(f'<w:num w:numId="{run}"><w:abstractNumId w:val="{run}"/></w:num>' for run in range(1, runs + 1))
    return f'<w:numbering xmlns:w="{WORD}">{abstract}{concrete}</w:numbering>'


def _footer(paper: Paper) -> str:
    text = f"{paper.number}, version {paper.version}: page "
    return (
        f'<w:ftr xmlns:w="{WORD}"><w:p><w:pPr><w:pStyle w:val="Normal"/></w:pPr>'
        f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
        '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p></w:ftr>'
    )


def _sheet(rows: tuple[tuple[str | float, ...], ...]) -> str:
    lines = "".join(
        f'<row r="{number}">{"".join(_cell(value, column, number) for column, value in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    columns = f'<cols><col min="1" max="{len(rows[0])}" width="14" customWidth="1"/></cols>'
    return f'<worksheet xmlns="{SHEET}">{columns}<sheetData>{lines}</sheetData></worksheet>'


def _cell(value: str | float, column: int, row: int) -> str:
    place = f'r="{chr(ord("A") + column)}{row}" s="{int(row == 1)}"'
    if isinstance(value, str):
        return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c {place}><v>{value}</v></c>"


def _sheet_styles() -> str:
    fonts = '<font><sz val="11"/><name val="Arial"/></font>', '<font><b/><sz val="11"/><name val="Arial"/></font>'
    fills = '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    formats = "".join(
        f'<xf numFmtId="0" fontId="{font}" fillId="0" borderId="0" xfId="0" applyFont="1"/>' for font in (0, 1)
    )
    return (
        f'<styleSheet xmlns="{SHEET}"><fonts count="2">{"".join(fonts)}</fonts><fills count="2">{fills}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="2">{formats}</cellXfs></styleSheet>'
    )


def _core(title: str, subject: str, date: str) -> str:
    stamps = "".join(
        f'<dcterms:{word} xsi:type="dcterms:W3CDTF">{date}T09:00:00Z</dcterms:{word}>'
        for word in ("created", "modified")
    )
    return (
        f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:subject>{escape(subject)}</dc:subject>"
        f"<dc:creator>{COMPANY}</dc:creator>{stamps}</cp:coreProperties>"
    )


def _package(parts: dict[str, tuple[str, str]], main: str, relations: tuple[tuple[str, str], ...], core: str) -> bytes:
    """The parts as an OPC package: stored, not deflated, so that the bytes never depend on zlib."""
    folder, name = main.split("/")
    overrides = "".join(
        f'<Override PartName="/{part}" ContentType="{PROGRAM}.{kind}"/>' for part, (kind, _) in parts.items()
    )
    types = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
        f'package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>{overrides}<Override '
        'PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
        "</Types>"
    )
    roots = (
        (f"{RELATION}/officeDocument", main),
        (f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
    )
    inner = tuple((f"{RELATION}/{kind}", target) for kind, target in relations)
    return _zip(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": _relations(roots),
            main: parts[main][1],
            f"{folder}/_rels/{name}.rels": _relations(inner),
            **{part: text for part, (_, text) in parts.items() if part != main},
            "docProps/core.xml": core,
        }
    )


def _relations(targets: tuple[tuple[str, str], ...]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{rows}</Relationships>'


def _zip(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            package.writestr(entry, (PROLOG + text).encode())
    return out.getvalue()
