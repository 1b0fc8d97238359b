"""Settings of all tests."""

from hypothesis import settings

# A busy machine is slow: a deadline would fail tests that are right.
settings.register_profile("commonwheel", deadline=None)
settings.load_profile("commonwheel")
