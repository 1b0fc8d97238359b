"""Recipes written and kept up to date: new ones, new releases in place, what indexes have newer."""
