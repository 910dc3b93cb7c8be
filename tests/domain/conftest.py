"""Hypothesis without deadlines: the machine of a test run may be busy."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
