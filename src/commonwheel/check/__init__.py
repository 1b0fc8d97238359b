"""Gates: what every wheel is held against before it enters the wheelhouse, and anybody's can be."""
