"""``python -m commonwheel``."""

from commonwheel.cli import main

raise SystemExit(main())
