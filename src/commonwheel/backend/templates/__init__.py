"""Modules that the generator fills in and puts into library wheels; none imports commonwheel."""
