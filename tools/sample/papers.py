"""The words of the sample Vault's written documents: a made-up laboratory and its filling line."""

from sample.paper import Block, Grid, Heading, Paper, Paragraph, Step

PURPOSE = Paragraph(
    "This procedure says how filling line 3 is cleaned between two products, and how it is shown that it is clean. "
    "It applies to everyone who works on the line."
)
CLEANING: tuple[Block, ...] = (
    Heading("Cleaning"),
    Step("Close the supply valve V-301 and wait until the hopper is empty."),
    Step("Rinse the hopper, the pump and the twelve nozzles with purified water at 60 °C for ten minutes."),
    Step("Circulate the 1 % cleaning solution for twenty minutes; keep it between 65 and 70 °C."),
    Step("Rinse with purified water until the conductivity of the last rinse is below 5 µS/cm."),
    Step("Open the drain, dry the nozzles with filtered air, and hang the green tag on the hopper."),
)
CHECKS: tuple[Block, ...] = (
    Heading("Checks"),
    Paragraph("Take three swabs after the last rinse and write the results into the cleaning record."),
    Grid(
        (
            ("Place", "Limit", "Method"),
            ("Hopper, inner wall", "10 µg/25 cm²", "Total organic carbon"),
            ("Pump housing", "10 µg/25 cm²", "Total organic carbon"),
            ("Nozzle 7", "5 µg/25 cm²", "Total organic carbon"),
        )
    ),
)
RECORDS: tuple[Block, ...] = (
    Heading("If a limit is missed"),
    Step("Leave the red tag on the hopper; the line must not be used."),
    Step("Clean once more from the first step and take new swabs."),
    Step("If a limit is missed twice, open a deviation and tell Quality Assurance the same day."),
    Heading("Records"),
    Paragraph("The cleaning record and the swab results are kept with the batch for seven years."),
)


def cleaning(version: str, date: str) -> Paper:
    """The cleaning SOP as it grew: 0.1 says how, 0.2 how it is checked, 1.0 what follows when it fails."""
    grown = {"0.1": CLEANING, "0.2": (*CLEANING, *CHECKS), "1.0": (*CLEANING, *CHECKS, *RECORDS)}
    return Paper(
        "Cleaning of Filling Line 3", "SOP-0001", version, date, (Heading("Purpose"), PURPOSE, *grown[version])
    )


CALIBRATION = Paper(
    "Calibration of Analytical Balances",
    "SOP-0002",
    "1.0",
    "2026-01-19",
    (
        Heading("Purpose"),
        Paragraph(
            "Every analytical balance is calibrated twice a year and after it was moved. "
            "A balance without a valid label must not be used for a release test."
        ),
        Heading("Weights"),
        Grid(
            (
                ("Nominal value", "Class", "Largest error"),
                ("1 g", "E2", "± 0.03 mg"),
                ("10 g", "E2", "± 0.06 mg"),
                ("100 g", "E2", "± 0.16 mg"),
            )
        ),
        Heading("Procedure"),
        Step("Switch the balance on and let it warm up for an hour; note the room's temperature."),
        Step("Level the balance by its feet until the bubble stands in the ring."),
        Step("Set it to zero, put each weight on the pan three times, and write down what it shows."),
        Step("Compare the mean of the three readings with the table above."),
        Step("Stick on the new label, with the date of the next calibration, and update the register."),
        Heading("Records"),
        Paragraph("The register of balances is kept by the metrology group (document REG-0003)."),
    ),
)


def _tests(names: tuple[str, ...], how: str, expected: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for number, name in enumerate(names, 1):
        blocks += [
            Heading(f"Test {number}: {name}"),
            Paragraph(how.format(name)),
            Step("Note the serial number and the state of the part before the test starts."),
            Step("Carry the test out three times, with at least ten minutes between two runs."),
            Step("Write down every reading, also those which are repeated, with time and initials."),
            Grid((("Run", "Expected", "Reading", "Passed"), *((str(run), expected, "", "") for run in (1, 2, 3)))),
        ]
    return tuple(blocks)


PLAN = Paper(
    "Line 3 Validation Plan",
    "VAL-0010",
    "1.0",
    "2026-02-02",
    (
        Heading("Scope"),
        Paragraph(
            "Filling line 3 is validated after its pump and its nozzles were replaced. The plan names what is tested, "
            "by whom, in which order, and what must be true before the line is released."
        ),
        Heading("Order of work"),
        Step("Installation qualification (VAL-0011): is everything there, and is it the right thing?"),
        Step("Operational qualification (VAL-0012): does each function do what its specification says?"),
        Step("Performance qualification: three batches of the worst-case product, filled one after another."),
        Heading("Who does what"),
        Grid(
            (
                ("Role", "Name", "Task"),
                ("Owner", "Nora Lind", "Approves the plan and the report"),
                ("Engineer", "Tomás Rey", "Runs the qualification, keeps the readings"),
                ("Quality Assurance", "Ines Halloran", "Reviews all records, decides about deviations"),
            )
        ),
        Heading("Acceptance"),
        Paragraph(
            "The line is released when all tests of both qualifications have passed, every deviation is closed, and "
            "the fill volume of the three batches is within 99.0 % and 101.0 % of its nominal value."
        ),
        Heading("Risks"),
        Paragraph("Residues in nozzle 7, which is hard to reach, are the largest risk; see SOP-0001 for its limit."),
    ),
)
INSTALLATION = Paper(
    "Installation Qualification Protocol",
    "VAL-0011",
    "1.0",
    "2026-02-09",
    (
        Heading("Purpose"),
        Paragraph("It is shown that the parts of filling line 3 are installed as the drawings FL3-01 to FL3-09 say."),
        *_tests(
            ("Supply valve V-301", "Circulation pump", "Nozzle block", "Control cabinet", "Drain and vent"),
            "{}: compared with its drawing, its data sheet and its label.",
            "as drawn",
        ),
    ),
)
OPERATION = Paper(
    "Operational Qualification Protocol",
    "VAL-0012",
    "0.1",
    "2026-02-23",
    (
        Heading("Purpose"),
        Paragraph("It is shown that each function of filling line 3 does what its specification says."),
        *_tests(
            ("Fill volume", "Fill speed", "Stop on empty hopper", "Emergency stop"),
            "{}: measured with purified water at 20 °C, at the slowest and at the fastest setting.",
            "within limits",
        ),
        Heading("Open points"),
        Paragraph("The limits of test 2 are set after the pump's data sheet has arrived. This is a draft."),
    ),
)
DEVIATION = Paper(
    "Deviation Report: Cold Store 2",
    "DEV-0027",
    "1.0",
    "2026-03-04",
    (
        Heading("What happened"),
        Paragraph(
            "On 3 March 2026 the temperature of cold store 2 rose above 8.0 °C for 40 minutes, from 02:10 to 02:50, "
            "with a peak of 9.4 °C. The alarm was received; the door had not closed after a delivery."
        ),
        Heading("What was in it"),
        Paragraph("Two pallets of retained samples (REF-114 and REF-115). No product for release was stored there."),
        Heading("What is done"),
        Step("The samples were tested again; all results are within their limits."),
        Step("A door contact was mounted, which sounds after 90 seconds (“door open”)."),
        Step("Night deliveries go to cold store 1 from now on."),
    ),
)
