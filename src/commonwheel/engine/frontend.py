"""A PEP 517 frontend for staged projects, whose build environments are kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from build import BuildBackendException, ProjectBuilder

from commonwheel import errors
from commonwheel.backend.messages import Listener
from commonwheel.backend.staged import StagedProject
from commonwheel.engine.environments import BuildEnvironments, python_of
from commonwheel.process import run


@dataclass(frozen=True, kw_only=True)
class Frontend:
    """Calls the hooks of a staged project's backend.

    Args:
        environments: where build tools are installed.
        environ: the whole environment of the hooks.
        log: receives what the hooks print.
        on_line: called with every line of it.
    """

    environments: BuildEnvironments
    environ: Mapping[str, str]
    log: IO[str]
    on_line: Callable[[str], None]

    def build(
        self,
        project: StagedProject,
        interpreter: Path,
        destination: Path,
        constraints: str,
        settings: Mapping[str, str],
    ) -> Path:
        """Build the raw wheel into ``destination``.

        Raises:
            CommonwheelError: whatever the backend reported, or a BuildError.
        """
        listener = Listener(self.log, self.on_line)
        first = ProjectBuilder(project.root, python_executable=str(interpreter))
        base = sorted(first.build_system_requires)
        builder = self._builder(project, interpreter, base, constraints, listener)
        extra = _call(listener, lambda: builder.get_requires_for_build("wheel"))
        if more := sorted(set(extra) - set(base)):
            builder = self._builder(project, interpreter, [*base, *more], constraints, listener)
        destination.mkdir(parents=True, exist_ok=True)
        return Path(_call(listener, lambda: builder.build("wheel", destination, settings)))

    def _builder(
        self,
        project: StagedProject,
        interpreter: Path,
        requirements: Sequence[str],
        constraints: str,
        listener: Listener,
    ) -> ProjectBuilder:
        environment = self.environments.get(interpreter, requirements, constraints)

        def runner(
            cmd: Sequence[str],
            cwd: str | None = None,
            extra_environ: Mapping[str, str] | None = None,
        ) -> None:
            variables = {**self.environ, **(extra_environ or {})}
            folder = Path(cwd) if cwd else None
            run(cmd, cwd=folder, env=variables, on_line=listener.line)

        return ProjectBuilder(
            project.root, python_executable=str(python_of(environment)), runner=runner
        )


def _call(listener: Listener, hook: Callable[[], Any]) -> Any:
    try:
        return hook()
    except (BuildBackendException, errors.CommonwheelError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise listener.error or errors.BuildError(
            "the build backend failed", hint=said[-1]
        ) from None
