"""The ``strongroom`` command, whose workers know one kind of job more."""

from pathlib import Path

from strongroom import __main__, kinds

kinds.__path__.append(str(Path(__file__).parent / "kinds_of_tests"))
__main__.main()
