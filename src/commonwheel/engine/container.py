"""The engines docker and podman: staged projects are built in containers, by cibuildwheel.

One run of it is one container and one wheel: a build with repair and gates as its repair step, or
a wheel that is there already, to be finished or tested. The staged project has all that the
container needs; only what a build takes from a package index comes from outside.
"""

import json
import os
import platform as host
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from commonwheel.backend.messages import Listener
from commonwheel.backend.pause import VARIABLE as PAUSE
from commonwheel.backend.staged import StagedProject
from commonwheel.cache.keys import file_digest
from commonwheel.constraints import Constraints
from commonwheel.engine import cibuildwheel
from commonwheel.engine.cibuildwheel import PACKAGE, PROJECT, Order
from commonwheel.engine.finishing import Finishing
from commonwheel.engine.images import STAND_IN, default_image, make_stand_in
from commonwheel.engine.inside import RESULT
from commonwheel.engine.oci import Image, Oci
from commonwheel.engine.protocol import Built, Finished, Watch
from commonwheel.engine.suite import Suite
from commonwheel.engine.toolkit import Toolkits, choose_interpreter
from commonwheel.errors import EngineError, GateError
from commonwheel.plan import ConsumerJob, Job
from commonwheel.recipe.resolve import Platform
from commonwheel.source.settings import settings_from_environment
from commonwheel.stage import stage_prebuilt

JOBSERVER = "/commonwheel-jobserver"
# Addresses of engines on other machines, where no path of this one means anything.
ELSEWHERE = ("tcp://", "ssh://", "http://", "https://")
PIP = "pip"

Shell = Callable[[Oci, str, Mapping[str, str]], None]
"""(engine, id of the container, what is told of the failed step) → somebody has looked."""


@dataclass(kw_only=True)
class ContainerEngine:
    """Builds staged projects in containers.

    Args:
        oci: docker or podman.
        platform: what is built for.
        cache: folder of what is kept.
        environ: this process's environment.
        images: reference of the image by recipe, where one names its own.
        reference: of the image for all, before any recipe's; empty leaves the choice to them.
        jobs: compilations at once, over all builds; 0 means as many as there are CPUs.
        note: called with a sentence that somebody should read.
        shell: called when a step has failed, before its container goes away.
    """

    oci: Oci
    platform: Platform
    cache: Path
    environ: Mapping[str, str]
    images: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""
    jobs: int = 0
    note: Callable[[str], None] = lambda _text: None
    shell: Shell | None = None
    _known: dict[str, Image] = field(default_factory=dict)
    _interpreters: dict[str, frozenset[str]] = field(default_factory=dict)
    _turn: Lock = field(default_factory=Lock)

    @property
    def name(self) -> str:
        """Docker or podman."""
        return self.oci.name

    @property
    def slots(self) -> int:
        """Compilations at once."""
        return self.jobs or len(os.sched_getaffinity(0))

    # --- images ---------------------------------------------------------------------------------

    def image(self, job: Job) -> str:
        """The image of a job with its digest; it is pulled, or made, when the engine has it not."""
        return self._image(job).identity

    def _image(self, job: Job) -> Image:
        wanted = self.reference or self.images.get(job.build.name) or default_image(self.platform)
        with self._turn:
            if wanted not in self._known:
                self._known[wanted] = self._find(wanted)
            return self._known[wanted]

    def _find(self, wanted: str) -> Image:
        _ = self.oci.version  # says it best, when it cannot be used
        reference, arch = wanted, self.platform.arch
        if wanted == STAND_IN:
            if self.platform != Platform(arch=host.machine()):
                raise EngineError(f"the stand-in image is not for {self.platform}")
            self.note("the stand-in image is used; where it is missing, it is made in some minutes")
            reference = make_stand_in(self.oci.name, self.environ, self.cache)
        if arch != host.machine():
            self.note(f"{arch} is emulated on this {host.machine()}: it is slow")
        return self.oci.image(reference, arch, self.note)

    def _toolkit_tag(self, image: Image) -> str:
        """The interpreter of an image that runs what is ours."""
        return choose_interpreter(self._interpreters_of(image), image.reference)

    def _interpreters_of(self, image: Image) -> frozenset[str]:
        with self._turn:
            if image.id not in self._interpreters:
                self._interpreters[image.id] = self.oci.interpreters(image)
            return self._interpreters[image.id]

    # --- keys -----------------------------------------------------------------------------------

    def facts(self, job: Job) -> dict[str, str]:
        """What of this engine can change the wheel of a job."""
        return {"engine": self.name, "machine": self.platform.arch, "image": self.image(job)}

    def python(self, job: ConsumerJob) -> str:
        """The image, and which of its interpreters."""
        return f"{self.image(job)} {job.python}"

    def require(self, jobs: Iterable[Job]) -> None:
        """Look for the interpreters of these jobs in their images.

        Raises:
            EngineError: an image has not what a job needs.
        """
        for job in jobs:
            image = self._image(job)
            found = self._interpreters_of(image)
            choose_interpreter(found, image.reference)
            if not isinstance(job, ConsumerJob):
                continue
            tag = f"cp{job.python.replace('.', '')}"
            if f"{tag}-{tag}" not in found:
                raise EngineError(
                    f"the image {image.reference} has no Python {job.python} for {job.id}",
                    hint="name another image with --image, or leave that version out of --python; "
                    f"it has {', '.join(sorted(found))}",
                )

    # --- work -----------------------------------------------------------------------------------

    def build(
        self,
        job: Job,
        project: StagedProject,
        work: Path,
        *,
        finishing: Finishing,
        pins: Constraints,
        jobserver: Path | None,
        watch: Watch,
    ) -> Built:
        """Build a staged project, repair its wheel, and ask the gates.

        Raises:
            CommonwheelError: what the backend, the repair or a gate reports, or an EngineError.
        """
        project.finishing.write_bytes(finishing.dump())
        (work / "container").mkdir()
        project.root.rename(work / "container" / PACKAGE)
        order = self._order(job, work, pins.text)
        settings, volumes = {"jobs": str(self.slots)}, {}
        if jobserver is not None and self._is_here:
            settings["jobserver"] = JOBSERVER
            volumes[str(jobserver)] = JOBSERVER
        order = replace(order, settings=settings, volumes=volumes)
        self._run(order, watch)
        return Built(raw=order.output / "raw", finished=_finished(order.output, work / "wheel"))

    def finish(
        self,
        job: Job,
        wheel: Path,
        providers: Sequence[Path],
        work: Path,
        *,
        finishing: Finishing,
        watch: Watch,
    ) -> Finished:
        """Repair a wheel and ask the gates, in a container of their own.

        Raises:
            CommonwheelError: what the repair or a gate reports, or an EngineError.
        """
        project = stage_prebuilt(wheel, providers, work / "container" / PACKAGE)
        project.finishing.write_bytes(finishing.dump())
        order = replace(self._order(job, work), frontend=("--no-isolation", "-x"))
        self._run(order, watch)
        return _finished(order.output, work / "wheel")

    def gates(
        self,
        job: Job,
        wheel: Path,
        providers: Sequence[Path],
        work: Path,
        *,
        finishing: Finishing,
        watch: Watch,
    ) -> str:
        """Ask the gates about a repaired wheel, in a container of their own.

        Raises:
            GateError: it does not pass.
            EngineError: the container came to nothing.
        """
        made = self.finish(job, wheel, providers, work, finishing=finishing, watch=watch)
        (again,) = made.folder.glob("*.whl")
        if again.name != wheel.name or file_digest(again) != file_digest(wheel):
            raise GateError(f"{wheel.name} does not come out of a repair as it went in")
        assert made.report is not None
        return made.report

    def test(self, job: ConsumerJob, suite: Suite, work: Path, *, watch: Watch) -> str:
        """Run a consumer's tests in cibuildwheel's own test step.

        Raises:
            ConsumerTestError: a module does not import, or the suite fails.
            EngineError: the container came to nothing.
        """
        package = work / "container" / PACKAGE
        project = stage_prebuilt(suite.wheel, suite.libraries, package)
        shutil.copytree(suite.source, project.source, symlinks=True)
        trial = {"name": suite.name, "test": suite.test.model_dump(mode="json", by_alias=True)}
        project.trial.write_text(json.dumps(trial), encoding="utf-8")
        order = self._order(job, work)
        order = replace(
            order,
            frontend=("--no-isolation", "-x"),
            repair="cp {wheel} {dest_dir}",
            before_test=f"pip install -q --no-index --no-deps {PROJECT}/{PACKAGE}/providers/*.whl",
            test=f"{self._runner(job)} test",
            test_requires=suite.test.requires,
        )
        listener = self._run(order, watch)
        return str(listener.heard["summary"])

    @property
    def _is_here(self) -> bool:
        """Whether the engine sees this machine's files."""
        address = self.environ.get("DOCKER_HOST") or self.environ.get("CONTAINER_HOST") or ""
        return not address.startswith(ELSEWHERE)

    def _runner(self, job: Job) -> str:
        """The command that runs what is ours in a container."""
        tag = self._toolkit_tag(self._image(job))
        return f"/opt/python/{tag}/bin/python -I {PROJECT}/inside/run.py"

    def _order(self, job: Job, work: Path, pins: str = "") -> Order:
        """What every run has: the toolkit and pip's settings, laid out beside the project."""
        root = work / "container"
        image = self._image(job)
        tag = self._toolkit_tag(image)
        toolkits = Toolkits(cache=self.cache, environ=self.environ)
        toolkits.lay_out(tag, self.platform, root / "inside")
        python = job.python if isinstance(job, ConsumerJob) else f"3.{tag.partition('-')[0][3:]}"
        variables = _write_pip(root / PIP, pins, self.environ)
        if self.shell is not None:
            variables[PAUSE] = "1"
        return Order(
            engine=self.oci.name,
            image=image.reference,
            platform=self.platform,
            python=python,
            root=root,
            output=work / "output",
            label=f"{job.id}-{secrets.token_hex(4)}",
            repair=f"{self._runner(job)} repair {{wheel}} {{dest_dir}}",
            variables=variables,
        )

    def _run(self, order: Order, watch: Watch) -> Listener:
        def hear(message: dict[str, Any]) -> None:
            if self.shell is not None and "paused" in message:
                (container,) = self.oci.containers(order.label)
                self.shell(self.oci, container, message["paused"])

        listener = Listener(watch.log, watch.on_line, hear)
        with self.oci.sweeping(order.label):
            cibuildwheel.build(order, self.environ, self.cache, listener)
        return listener


def _finished(output: Path, folder: Path) -> Finished:
    """What a repair step has left, with its wheel in a folder of its own."""
    folder.mkdir()
    (wheel,) = output.glob("*.whl")
    wheel.rename(folder / wheel.name)
    result = json.loads((output / RESULT).read_text(encoding="utf-8"))
    return Finished(
        folder=folder,
        providers=tuple(result["providers"]),
        lines=tuple(result["lines"]),
        notes=tuple(result["notes"]),
        report=result["report"],
    )


def _write_pip(folder: Path, pins: str, environ: Mapping[str, str]) -> dict[str, str]:
    """This host's pip settings, as files of the project; returns the variables that name them.

    In files: cibuildwheel shows variables, and an address may hold a password.
    """
    folder.mkdir()
    known = settings_from_environment(environ, folder, offline=True)
    settings = known.pip
    place = f"{PROJECT}/{folder.name}"
    lines = ["[global]"]
    if settings.index_url:
        lines.append(f"index-url = {settings.index_url}")
    # A folder of this host is none of the container's.
    for key, values in (
        ("extra-index-url", settings.extra_index_urls),
        ("find-links", settings.find_links),
    ):
        if seen := [each for each in values if each.startswith(("http://", "https://"))]:
            lines.append(f"{key} = {' '.join(seen)}")
    if settings.trusted_hosts:
        lines.append(f"trusted-host = {' '.join(settings.trusted_hosts)}")
    if known.certificates is not None:
        shutil.copyfile(known.certificates, folder / "certificates.pem")
        lines.append(f"cert = {place}/certificates.pem")
    (folder / "pip.conf").write_text("\n".join([*lines, ""]), encoding="utf-8")
    (folder / "constraints.txt").write_text(pins, encoding="utf-8")
    return {
        "PIP_CONFIG_FILE": f"{place}/pip.conf",
        "PIP_CONSTRAINT": f"{place}/constraints.txt",
        "PIP_NO_INPUT": "1",
    }
