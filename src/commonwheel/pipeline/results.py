"""How the jobs of a run ended."""

from dataclasses import dataclass
from pathlib import Path

from commonwheel.errors import CommonwheelError, ConsumerTestError, GateError
from commonwheel.plan import Job


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finished wheel, in the wheelhouse."""

    job: Job
    wheel: Path
    sha256: str
    seconds: float
    cached: bool
    tested: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One job that put nothing into the wheelhouse.

    Args:
        job: which.
        built: its wheel was made, at least.
        errors: its own; none where only others keep it from being made or tested.
        needs: jobs that it needs and that failed.
    """

    job: Job
    built: bool
    errors: tuple[CommonwheelError, ...]
    needs: tuple[str, ...]

    @property
    def how(self) -> str:
        """What became of it, in a few words."""
        if any(isinstance(error, ConsumerTestError) for error in self.errors):
            return "tests failed"
        if any(isinstance(error, GateError) for error in self.errors):
            return "did not pass the gates"
        if self.errors:
            return "failed"
        return f"not {'tested' if self.built else 'built'}: needs {', '.join(self.needs)}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """How all jobs ended, each in the plan's order."""

    results: tuple[Result, ...]
    failures: tuple[Failure, ...]

    @property
    def errors(self) -> list[CommonwheelError]:
        """Every error; the first one decides the exit code."""
        return [error for failure in self.failures for error in failure.errors]
