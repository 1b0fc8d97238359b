"""The one place that joins fetch, stage, engine, repair, test and the wheelhouse."""

from commonwheel.pipeline.context import Settings
from commonwheel.pipeline.results import Failure, Report, Result
from commonwheel.pipeline.run import Pipeline

__all__ = ["Failure", "Pipeline", "Report", "Result", "Settings"]
