"""Modules that the generator fills in and puts into consumer wheels; none imports commonwheel."""
