"""Makes the files of the sample Vault, always the same bytes: ``python tools/make_sample.py [FOLDER]``.

Run by hand after a change of their words; the files are kept in the repository. Everything in them is written here.
"""

import sys
from pathlib import Path

from sample import office, papers, pdf, pictures, tables

FILES = Path(__file__).parent.parent / "src/strongroom/catalog/sample/files"


def make() -> dict[str, bytes]:
    """The files by name."""
    final = papers.cleaning("1.0", "2026-02-16")
    return {
        "cleaning-sop-0.1.docx": office.docx(papers.cleaning("0.1", "2026-01-12")),
        "cleaning-sop-0.2.docx": office.docx(papers.cleaning("0.2", "2026-01-26")),
        "cleaning-sop-1.0.docx": office.docx(final),
        "cleaning-sop-1.0.pdf": pdf.write(final),
        "calibration-sop.docx": office.docx(papers.CALIBRATION),
        "calibration-sop.pdf": pdf.write(papers.CALIBRATION),
        "validation-plan.pdf": pdf.write(papers.PLAN),
        "iq-protocol.pdf": pdf.write(papers.INSTALLATION),
        "iq-protocol-signed.png": pictures.signed_page(),
        "oq-protocol.pdf": pdf.write(papers.OPERATION),
        "deviation-report.pdf": pdf.write(papers.DEVIATION),
        "temperature-log.csv": tables.temperature_log(),
        "temperature-chart.png": pictures.temperature_chart(),
        "site-map.png": pictures.site_map(),
        "balances.xlsx": office.xlsx("Balances", "2026-01-21", tables.REGISTER),
        "batch-record.csv": tables.batch_record(),
        "training-plan.txt": tables.TRAINING.encode(),
        "note.txt": tables.NOTE.encode(),
        "new-documents.csv": tables.staged_manifest(),
        "swab-results.csv": tables.swab_results(),
        "shift-notes.txt": tables.SHIFT_NOTES.encode(),
    }


def main() -> None:
    """Write the files, and say what else lies in the folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FILES
    folder.mkdir(parents=True, exist_ok=True)
    files = make()
    for left in folder.iterdir():
        if left.name not in files:
            print(f"{left} is not made here: remove it if it is no longer needed", file=sys.stderr)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        print(f"{len(data):7d}  {name}")
    print(f"{sum(map(len, files.values())):7d}  {len(files)} files in {folder}")


if __name__ == "__main__":
    main()
