"""Docker and Podman, asked by their command lines; each complaint becomes an error of ours."""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from commonwheel.errors import EngineError
from commonwheel.process import ProcessError, last_lines, run

ContainerEngineName = Literal["docker", "podman"]

# Docker's names of architectures (GOARCH) by uname's.
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
ANSWER = 30.0
LABEL = "commonwheel"
# Of what comes from no registry, podman makes up a digest that depends on how it was packed.
LOCAL = "localhost/"


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """A complaint of an engine's that is known: what it looks like, what it is, what to do."""

    pattern: re.Pattern[str]
    what: str
    hint: str


def _known(pattern: str, what: str, hint: str) -> Complaint:
    return Complaint(pattern=re.compile(pattern, re.IGNORECASE), what=what, hint=hint)


# The first that fits counts. {engine}, {image} and {arch} are filled in.
COMPLAINTS = (
    _known(
        r"permission denied.*(docker|podman).*sock|dial unix .*permission denied",
        "{engine}: this user may not use its socket",
        "join the group (sudo usermod -aG docker $USER, then log in anew), or take --engine podman",
    ),
    _known(
        r"cannot connect to (the docker daemon|podman)|is the docker daemon running|"
        r"unable to connect to podman|dial unix .*(no such file|connection refused)",
        "{engine} is installed, and no engine runs",
        "start it (sudo systemctl start docker; or dockerd), or take --engine host",
    ),
    _known(
        r"no space left on device|disk quota exceeded",
        "the disk is full, in the container or where {engine} keeps its images",
        "make room: {engine} system df, {engine} system prune; commonwheel cache prune",
    ),
    _known(
        r'exec: "?/bin/\w+"?.*no such file|executable file .* not found',
        "the image {image} has no shell",
        "it is none for building wheels: take a manylinux or musllinux image",
    ),
    _known(
        r"exec format error|exec user process caused",
        "{engine} cannot run {arch} on this machine",
        "install emulation (qemu-user-static with binfmt), or build on a machine of that kind",
    ),
    _known(
        r"no matching manifest|does not match the (specified|expected) platform|"
        r"image platform .* does not match|no image found in (manifest list|image index)",
        "the image {image} is not there for {arch}",
        "name an image of that architecture with --image",
    ),
    _known(
        r"manifest (unknown|for .* not found)|not found: manifest|repository does not exist|"
        r"requested access to the resource is denied|unauthorized|no such image|image not known|"
        r"name unknown|invalid reference format|name is invalid",
        "there is no image {image}",
        "look for a typing error, log in with '{engine} login', or name another with --image",
    ),
    _known(
        r"dial tcp|no such host|i/o timeout|connection (refused|reset)|network is unreachable|"
        r"TLS handshake|proxyconnect|context deadline exceeded|pinging container registry",
        "the registry of the image {image} cannot be reached",
        "check the network; without a registry, --image stand-in makes an image from Debian",
    ),
)


def explained(said: str, engine: str, image: str = "", arch: str = "") -> EngineError | None:
    """The error behind what an engine said; None where it is not known."""
    for each in COMPLAINTS:
        if each.pattern.search(said):
            names = {"engine": engine, "image": image, "arch": arch}
            hint = f"{each.hint.format(**names)}\n  {last_lines(said, 3)}"
            return EngineError(each.what.format(**names), hint=hint)
    return None


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image that the engine has.

    Args:
        reference: the name that was asked for.
        id: digest of its configuration (``sha256:…``).
        digest: name and digest in a registry, where it comes from one.
        arch: as uname names it, or the engine's own word.
    """

    reference: str
    id: str
    digest: str
    arch: str

    @property
    def identity(self) -> str:
        """What tells its content from any other's."""
        return self.digest or self.id


@dataclass(frozen=True, kw_only=True)
class Oci:
    """One of the two engines.

    Args:
        name: of the program.
        environ: this process's environment: PATH, and what says where the engine is.
    """

    name: ContainerEngineName
    environ: Mapping[str, str]

    @cached_property
    def version(self) -> str:
        """The engine's version, once it has answered.

        Raises:
            EngineError: it is not installed, does not run, or lets this user not in.
        """
        if shutil.which(self.name, path=self.environ.get("PATH")) is None:
            raise EngineError(
                f"{self.name} is not installed",
                hint=f"install it (apt-get install {PACKAGES[self.name]}), or take another engine",
            )
        said = self.ask("version", "--format", "{{json .}}")
        try:
            found = json.loads(said)
            return str((found.get("Server") or found.get("Client"))["Version"])
        except (ValueError, KeyError, TypeError):
            raise EngineError(f"{self.name} does not say its version", hint=said) from None

    def ask(
        self,
        *words: str | Path,
        image: str = "",
        arch: str = "",
        wait: float = ANSWER,
        stays: bool = False,
    ) -> str:
        """What a command of the engine prints.

        Args:
            words: the command.
            image: the image that it is about, for messages.
            arch: the architecture, likewise.
            wait: seconds until it is given up.
            stays: it is not killed when the run ends early.

        Raises:
            EngineError: it fails.
        """
        try:
            command = [self.name, *words]
            return run(command, env=self.environ, timeout=wait, own_group=not stays).output
        except ProcessError as error:
            known = explained(error.output, self.name, image, arch)
            what = f"'{self.name} {' '.join(map(str, words[:2]))}' failed"
            raise known or EngineError(what, hint=error.hint) from None

    # --- images ---------------------------------------------------------------------------------

    def image(self, reference: str, arch: str, pulling: Callable[[str], None]) -> Image:
        """An image, pulled when it is not here.

        Args:
            reference: its name.
            arch: that it must be of.
            pulling: called with a sentence before a pull, which may take minutes.

        Raises:
            EngineError: there is none, it cannot be had, or it is of another architecture.
        """
        found = self._inspect(reference)
        if found is None or found.arch != arch:
            local = found
            pulling(f"{self.name} pulls {reference} ({arch})")
            platform = f"linux/{ARCHITECTURES.get(arch, arch)}"
            try:
                self.ask(
                    "pull", "--platform", platform, reference, image=reference, arch=arch, wait=3600
                )
            except EngineError:
                if local is not None:
                    raise _other_architecture(local, arch) from None
                raise
            found = self._inspect(reference)
        if found is None:
            raise EngineError(f"{self.name} has pulled {reference}, and does not know it")
        if found.arch != arch:
            raise _other_architecture(found, arch)
        return found

    def _inspect(self, reference: str) -> Image | None:
        command = [self.name, "image", "inspect", reference]
        done = run(command, env=self.environ, timeout=ANSWER, check=False)
        if done.code:
            known = explained(done.output, self.name, reference)
            if known is None or "there is no image" in known.what:
                return None
            raise known
        (facts,) = json.loads(done.output[done.output.index("[") :])
        digests = [each for each in facts.get("RepoDigests") or () if not each.startswith(LOCAL)]
        return Image(
            reference=reference,
            id=_sha256(str(facts["Id"])),
            digest=digests[0] if digests else "",
            arch=_uname(str(facts["Architecture"])),
        )

    def interpreters(self, image: Image) -> frozenset[str]:
        """The interpreters of an image: ``cp311-cp311``.

        Raises:
            EngineError: the image cannot run here, or is none for building wheels.
        """
        words = ("run", "--rm", "--entrypoint", "/bin/sh", image.reference)
        said = self.ask(
            *words, "-c", "ls /opt/python", image=image.reference, arch=image.arch, wait=300
        )
        found = frozenset(said.split())
        if not any(re.fullmatch(r"cp\d+-cp\d+", each) for each in found):
            raise EngineError(
                f"the image {image.reference} has no interpreters in /opt/python",
                hint="it is none for building wheels: take a manylinux or musllinux image",
            )
        return found

    # --- containers -----------------------------------------------------------------------------

    def containers(self, label: str) -> list[str]:
        """The ids of all containers that carry ``commonwheel=<label>``."""
        words = ("ps", "--all", "--quiet", "--filter", f"label={LABEL}={label}")
        return self.ask(*words, stays=True).split()

    @contextmanager
    def sweeping(self, label: str) -> Iterator[None]:
        """At the end, remove what is left of containers with a label, and their volumes."""
        try:
            yield
        finally:
            # cibuildwheel removes its own; when it is killed, nobody does.
            if left := self.containers(label):
                # podman would ask politely first, and wait ten seconds.
                with contextlib.suppress(EngineError):
                    self.ask("kill", *left, stays=True)
                self.ask("rm", "--force", "--volumes", *left, wait=120, stays=True)


PACKAGES = {"docker": "docker.io", "podman": "podman"}


def _sha256(text: str) -> str:
    return text if text.startswith("sha256:") else f"sha256:{text}"


def _uname(arch: str) -> str:
    return next((name for name, other in ARCHITECTURES.items() if other == arch), arch)


def _other_architecture(image: Image, arch: str) -> EngineError:
    return EngineError(
        f"the image {image.reference} is for {image.arch}, not {arch}",
        hint="name another with --image, or build for it with --arch",
    )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Whether an engine can be used, and what it says if not."""

    engine: Oci
    refusal: str

    @property
    def usable(self) -> bool:
        """Whether it can."""
        return not self.refusal


def probe(environ: Mapping[str, str]) -> Iterator[Answer]:
    """Each engine in turn, Docker first."""
    names: Sequence[ContainerEngineName] = ("docker", "podman")
    for name in names:
        engine = Oci(name=name, environ=environ)
        try:
            _ = engine.version
        except EngineError as error:
            yield Answer(engine=engine, refusal=error.what)
        else:
            yield Answer(engine=engine, refusal="")
