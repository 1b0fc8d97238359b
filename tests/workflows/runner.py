"""Runs a workflow's own steps: shell errors, wrong paths and wrong names show before GitHub does.

Jobs run one after another, each with a workspace of its own; artifacts are folders. What only
GitHub can prove stands in docs/how-to/build-in-github-actions.md.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.workflows import actions
from tests.workflows.expressions import Scope, as_text

SELF = "$/"
SHELLS = {
    # What GitHub runs where a step names no shell, and where it says bash.
    None: ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
}
SETUP = ".github/actions/setup"


class StepError(Exception):
    """A step failed; the text holds what it printed."""


@dataclass(kw_only=True)
class JobResult:
    """How a job, with all its cells, ended."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Machine:
    """One runner: a workspace, a folder for temporary files, and what steps have set."""

    workspace: Path
    temp: Path
    path: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Runner:
    """Runs reusable workflows of ``project`` for a ``caller``.

    Attributes:
        root: everything is written below it.
        project: this repository.
        caller: folder with the caller's repository.
        environ: of every step.
        prepared: what the action `setup` has made, once it ran; another runner may be given it.
    """

    root: Path
    project: Path
    caller: Path
    environ: Mapping[str, str]
    jobs: dict[str, JobResult] = field(default_factory=dict)
    summary: str = ""
    log: list[str] = field(default_factory=list)
    prepared: Path | None = None

    @property
    def artifacts(self) -> Path:
        """A folder for each artifact."""
        folder = self.root / "artifacts"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def call(self, workflow: Path, given: Mapping[str, Any]) -> dict[str, str]:
        """Run a reusable workflow with the inputs that a caller gives; returns its outputs."""
        data = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        # YAML 1.1 takes the key `on` for a truth value.
        trigger = data[True]["workflow_call"]
        inputs = {name: given.get(name, facts.get("default")) for name, facts in _items(trigger)}
        if unknown := given.keys() - inputs.keys():
            raise StepError(f"no such inputs: {sorted(unknown)}")
        for name, job in data["jobs"].items():
            self.jobs[name] = self._job(name, job, inputs, data["jobs"])
        scope = Scope(
            contexts={"jobs": {name: {"outputs": job.outputs} for name, job in self.jobs.items()}}
        )
        if any(job.result == "failure" for job in self.jobs.values()):
            return {}
        return {key: scope.fill(each["value"]) for key, each in trigger["outputs"].items()}

    # --- jobs -----------------------------------------------------------------------------------

    def _job(
        self, name: str, job: Mapping[str, Any], inputs: Mapping[str, Any], all_: Mapping[str, Any]
    ) -> JobResult:
        needed = _listed(job.get("needs"))
        contexts: dict[str, Any] = {
            "inputs": inputs,
            "needs": {
                each: {"result": self.jobs[each].result, "outputs": self.jobs[each].outputs}
                for each in needed
            },
            "job": {"workflow_repository": "commonwheel/commonwheel", "workflow_sha": "0" * 40},
            "github": {"action_path": ""},
        }
        ancestors = [self.jobs[each].result for each in _ancestors(name, all_)]
        status = {
            # Of all jobs before it, not of those alone that it names.
            "success": lambda: all(each == "success" for each in ancestors),
            "failure": lambda: "failure" in ancestors,
            "cancelled": lambda: False,
            "always": lambda: True,
        }
        if not _holds(job.get("if"), Scope(contexts=contexts, status=status)):
            return JobResult(result="skipped")
        done = JobResult(result="success")
        for cell in self._cells(job, Scope(contexts=contexts)):
            self._cell(job, contexts | {"matrix": cell}, done)
        return done

    @staticmethod
    def _cells(job: Mapping[str, Any], scope: Scope) -> list[dict[str, Any]]:
        if "strategy" not in job:
            return [{}]
        ((key, values),) = scope.fill(job["strategy"]["matrix"]).items()
        if not values:
            raise StepError("GitHub fails a matrix without values")
        return [{key: value} for value in values]

    def _cell(self, job: Mapping[str, Any], contexts: dict[str, Any], done: JobResult) -> None:
        label = as_text(Scope(contexts=contexts).fill(job["name"])).replace(" ", "-")
        machine = Machine(
            workspace=self.root / label / "workspace", temp=self.root / label / "temp"
        )
        machine.workspace.mkdir(parents=True)
        machine.temp.mkdir()
        outputs = self._steps(job["steps"], contexts, machine, done.errors)
        self.log += [f"=== {label}", *machine.log]
        if done.errors:
            done.result = "failure"
            return
        scope = Scope(contexts={**contexts, "steps": outputs})
        done.outputs |= {key: as_text(scope.fill(v)) for key, v in job.get("outputs", {}).items()}

    # --- steps ----------------------------------------------------------------------------------

    def _steps(
        self,
        steps: Sequence[Mapping[str, Any]],
        contexts: Mapping[str, Any],
        machine: Machine,
        errors: list[str],
    ) -> dict[str, Any]:
        """Run steps in order; those after a failure run only if they ask for it."""
        outputs: dict[str, Any] = {}
        failed = False

        def has_failed() -> bool:
            return failed

        status = {
            "success": lambda: not has_failed(),
            "failure": has_failed,
            "cancelled": lambda: False,
            "always": lambda: True,
        }
        for step in steps:
            scope = Scope(contexts={**contexts, "steps": outputs}, status=status)
            if not _holds(step.get("if"), scope):
                continue
            try:
                made = self._step(step, scope, machine, errors)
            except (StepError, actions.ActionError) as error:
                errors.append(str(error))
                failed = True
                continue
            if "id" in step:
                outputs[step["id"]] = {"outputs": made}
        return outputs

    def _step(
        self, step: Mapping[str, Any], scope: Scope, machine: Machine, errors: list[str]
    ) -> dict[str, str]:
        if "run" in step:
            return self._shell(step, scope, machine)
        given = {key: as_text(value) for key, value in scope.fill(step.get("with", {})).items()}
        used = step["uses"]
        if used.startswith(SELF):
            return self._composite(used.removeprefix(SELF), given, machine, errors)
        match used.partition("@")[0]:
            case "actions/checkout":
                actions.checkout(self.caller, machine.workspace)
            case "actions/setup-python":
                return actions.setup_python(given)
            case "actions/upload-artifact":
                actions.upload(given, machine.workspace, self.artifacts)
            case "actions/download-artifact":
                actions.download(given, machine.workspace, self.artifacts)
            case other:
                raise StepError(f"{other} is not known here")
        return {}

    def _composite(
        self, place: str, given: Mapping[str, str], machine: Machine, errors: list[str]
    ) -> dict[str, str]:
        if place == SETUP and self.prepared is not None:
            return self._again(machine)
        folder = self.project / place
        action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        declared = action.get("inputs", {})
        if unknown := given.keys() - declared.keys():
            raise StepError(f"{place} has no inputs {sorted(unknown)}")
        inputs = {key: given.get(key, facts.get("default")) for key, facts in declared.items()}
        if missing := [key for key, value in inputs.items() if value is None]:
            raise StepError(f"{place} is not given {missing}")
        contexts = {"inputs": inputs, "github": {"action_path": str(folder)}}
        before = len(errors)
        outputs = self._steps(action["runs"]["steps"], contexts, machine, errors)
        if len(errors) > before:
            raise StepError(f"{place} failed")
        if place == SETUP:
            self.prepared = machine.temp
        scope = Scope(contexts={**contexts, "steps": outputs})
        return {
            key: as_text(scope.fill(each["value"]))
            for key, each in action.get("outputs", {}).items()
        }

    def _again(self, machine: Machine) -> dict[str, str]:
        """What an earlier job has set up: installing it took half a minute and says nothing new."""
        assert self.prepared is not None
        for entry in self.prepared.glob("commonwheel*"):
            (machine.temp / entry.name).symlink_to(entry)
        machine.path.insert(0, str(machine.temp / "commonwheel-bin"))
        return {}

    def _shell(self, step: Mapping[str, Any], scope: Scope, machine: Machine) -> dict[str, str]:
        files = {
            name: machine.temp / f"{name}.txt"
            for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")
        }
        for file in files.values():
            file.write_text("")
        script = machine.temp / "step.sh"
        # As it is: no workflow here lets an expression into a script.
        script.write_text(step["run"])
        action_path = scope.contexts["github"]["action_path"]
        env = {
            **self.environ,
            **{key: str(file) for key, file in files.items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(machine.workspace),
            "GITHUB_ACTION_PATH": action_path,
            "RUNNER_TEMP": str(machine.temp),
            "PATH": os.pathsep.join([*machine.path, self.environ["PATH"]]),
            **{key: as_text(value) for key, value in scope.fill(step.get("env", {})).items()},
        }
        ended = subprocess.run(
            [*SHELLS[step.get("shell")], str(script)],
            cwd=machine.workspace,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        machine.log += [f"--- {step.get('name', 'run')}", *ended.stdout.splitlines()]
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        machine.path[:0] = reversed(files["GITHUB_PATH"].read_text().splitlines())
        if ended.returncode:
            raise StepError(f"exit code {ended.returncode}:\n{ended.stdout}")
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def _items(trigger: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(trigger["inputs"].items())


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _ancestors(name: str, jobs: Mapping[str, Any]) -> set[str]:
    direct = _listed(jobs[name].get("needs"))
    return {*direct, *(each for need in direct for each in _ancestors(need, jobs))}


def _holds(condition: str | None, scope: Scope) -> bool:
    """Whether a job or step runs; where no status is asked for, success is."""
    if condition is None:
        return scope.status["success"]()
    text = condition.strip().removeprefix("${{").removesuffix("}}")
    asks = any(f"{name}(" in text for name in scope.status)
    return (asks or scope.status["success"]()) and bool(scope.value(text))
