"""Native libraries as wheels of their own, shared by the Python packages that need them."""

__version__ = "0.1.0"
