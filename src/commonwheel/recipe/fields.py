"""What recipe models are made of: their base class, and the kinds of text that fields hold."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

NAME = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
SHA256 = r"^[0-9a-f]{64}$"

Name = Annotated[str, Field(pattern=NAME)]
Sha256 = Annotated[str, Field(pattern=SHA256)]
Text = Annotated[str, Field(min_length=1)]


def is_url(value: str) -> str:
    try:
        split = urlsplit(value)
    except ValueError as error:
        msg = f"not a URL: {error}"
        raise ValueError(msg) from None
    if split.scheme in {"http", "https"} and not split.hostname:
        msg = "not a URL: it has no host"
        raise ValueError(msg)
    return value


Url = Annotated[str, Field(pattern=r"^(https?|file)://"), AfterValidator(is_url)]


def as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[Text, ...], BeforeValidator(as_list)]


class Model(BaseModel):
    """Frozen, spelled in kebab-case in YAML, and strict about unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.rstrip("_").replace("_", "-"),
    )
