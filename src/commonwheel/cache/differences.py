"""Two keys' inputs, old beside new, in words. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# How the keys of a resolved recipe are called in the file that a person edits.
RECIPE_KEYS = {"libraries": "abi.libraries", "stability": "abi.stability", "needs": "requires"}
REPAIR_KEYS = {"known": "libraries that have a recipe", "epoch": "time of the source"}
# What tells the items of a list apart.
IDENTITIES = ("soname", "name", "origin")
ABSENT = "absent"
SHOWN = 70
SHOWN_FILES = 4


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One input that differs.

    Args:
        input: where it stands among the inputs: ``recipe.build.options``, ``engine.gcc``.
        old: its value then; None when there was none.
        new: its value now; None when there is none.
        text: the same in words.
    """

    input: str
    old: Any
    new: Any
    text: str


def build_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What makes the inputs of two raw wheels differ.

    Args:
        old: what :func:`commonwheel.cache.keys.build_inputs` gave then.
        new: what it gives now; a provider whose bytes are not known has the digest ``""``.
    """
    new = _plain(new)
    if other := _schema(old, new):
        return other
    return [
        *_recipe(old["recipe"], new["recipe"]),
        *_source(old, new),
        *_files("patch", "patches", old["patches"], new["patches"]),
        *_providers(old["providers"], new["providers"]),
        *_pins(old["constraints"], new["constraints"]),
        *_engine(old["engine"], new["engine"]),
        *_common(old, new),
    ]


def repair_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What makes the inputs of two repairs differ, the raw wheel apart."""
    new = _plain(new)
    if other := _schema(old, new):
        return other
    found = list(_common(old, new))
    for key, one, two in _both(old["options"], new["options"]):
        found += _tree(f"options.{key}", REPAIR_KEYS.get(key, key), one, two)
    return found


def _plain(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inputs as they are after being stored: with lists for tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(inputs))
    return plain


def _schema(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    one, two = old.get("schema"), new["schema"]
    text = "this toolkit notes its inputs in another way than the one that stored the result"
    return [] if one == two else [Difference(input="schema", old=one, new=two, text=text)]


def _common(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    yield from _code(old["code"], new["code"])
    for name, one, two in _both(old["tools"], new["tools"]):
        yield Difference(input=f"tools.{name}", old=one, new=two, text=f"{name} {_arrow(one, two)}")


# --- one kind of input after another --------------------------------------------------------------


def _recipe(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key, one, two in _both(old, new):
        if key == "provided":
            yield from _uses(_by_identity(one or ()), _by_identity(two or ()))
        elif key != "patches" or sorted(one or ()) == sorted(two or ()):
            # Patches that come or go are told with their files.
            label = RECIPE_KEYS.get(key, key)
            yield from _tree(f"recipe.{label}", label, one, two)


def _uses(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name, one, two in _both(old, new):
        if one is None or two is None:
            text = f"uses {name} {'no longer' if two is None else 'now'}"
        else:
            text = f"uses {name}: {_release(one)} → {_release(two)}"
        yield Difference(input=f"recipe.uses.{name}", old=one, new=two, text=text)


def _release(provided: Mapping[str, Any]) -> str:
    return f"{provided['version']} ({provided['line']}, {provided['stability']})"


def _source(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    one, two = old["source"], new["source"]
    if one != two:
        text = f"source: another file, sha256 {one[:12]}… → {two[:12]}…"
        yield Difference(input="source", old=one, new=two, text=text)


def _files(
    word: str, key: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[Difference]:
    for name, one, two in _both(old, new):
        text = f"{word} {name} {_what_happened(one, two)}"
        yield Difference(input=f"{key}.{name}", old=one, new=two, text=text)


def _providers(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name, one, two in _both(_releases(old), _releases(new)):
        if one is None or two is None:
            text = f"provider {name}-{(one or two)[0]} {_what_happened(one, two)}"
        elif one[0] != two[0]:
            text = f"provider {name} {one[0]} → {two[0]}"
        else:
            text = f"provider {name}-{two[0]} has other bytes"
        yield Difference(input=f"providers.{name}", old=one, new=two, text=text)


def _releases(wheels: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Distribution → version and digest, of wheels by file name."""
    found = {}
    for wheel, digest in wheels.items():
        name, version = wheel.split("-")[:2]
        found[name] = (version, digest)
    return found


def _pins(
    old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]
) -> Iterator[Difference]:
    for name, one, two in _both(old, new):
        exact = [_exact(name, pins) for pins in (one, two)]
        text = f"{name} {_arrow(*exact)}" if all(exact) else f"constraints: {_words(one, two)}"
        yield Difference(input=f"constraints.{name}", old=one, new=two, text=text)


def _exact(name: str, pins: Sequence[str] | None) -> str | None:
    """The version, where a project has one pin of the form ``name==version``."""
    if pins and len(pins) == 1:
        project, _, version = pins[0].partition("==")
        return version if project.strip() == name and ";" not in version else None
    return None


def _engine(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name, one, two in _both(old, new):
        if name in ("engine", "machine", "libc"):
            text = f"{name} {_arrow(one, two)}"
        elif two == ABSENT:
            text = f"{name} is not here, and was"
        elif one == ABSENT:
            text = f"{name} is here, and was not"
        else:
            text = f"{name} {_what_happened(one, two)}"
        yield Difference(input=f"engine.{name}", old=one, new=two, text=text)


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    by_verb: dict[str, list[str]] = {}
    changed = list(_both(old, new))
    for name, one, two in changed:
        by_verb.setdefault(_what_happened(one, two), []).append(name)
    if changed:
        parts = (f"{_some(names)} {verb}" for verb, names in by_verb.items())
        yield Difference(
            input="code",
            old={name: one for name, one, _ in changed},
            new={name: two for name, _, two in changed},
            text=f"toolkit code: {'; '.join(parts)}",
        )


# --- values of any shape --------------------------------------------------------------------------


def _tree(path: str, label: str, old: Any, new: Any) -> Iterator[Difference]:
    """The differences of two values; ``label`` is what a person calls the place ``path``."""
    found: list[Difference] = []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key, one, two in _both(old, new):
            found += _tree(f"{path}.{key}", f"{label}.{key}", one, two)
    elif _is_table(old) and _is_table(new):
        for key, one, two in _both(_by_identity(old), _by_identity(new)):
            found += _tree(f"{path}[{key}]", f"{label}[{key}]", one, two)
    if not found:
        text = f"{label.replace('_', '-')}: {_change(old, new)}"
        found = [Difference(input=path, old=old, new=new, text=text)]
    yield from found


def _change(old: Any, new: Any) -> str:
    if old is None or new is None:
        return f"{_short(new if old is None else old)} {_what_happened(old, new)}"
    if _is_list(old) and _is_list(new):
        return _words(old, new)
    # Flags in one string, of which one was added.
    if isinstance(old, str) and isinstance(new, str) and " " in old + new:
        return _words(old.split(), new.split())
    return f"{_short(old)} → {_short(new)}"


def _words(old: Sequence[Any] | None, new: Sequence[Any] | None) -> str:
    """What was added to a list, and what was removed."""
    before, now = Counter(map(_text, old or ())), Counter(map(_text, new or ()))
    added, removed = list((now - before).elements()), list((before - now).elements())
    parts = []
    for word in list(added):
        # -DX=ON for -DX=OFF.
        name, equals, _ = word.partition("=")
        other = next((each for each in removed if equals and each.startswith(f"{name}=")), None)
        if other is not None:
            parts.append(f"{_short(other)} → {_short(word)}")
            added.remove(word)
            removed.remove(other)
    parts += [f"{', '.join(map(_short, added))} added"] if added else []
    parts += [f"{', '.join(map(_short, removed))} removed"] if removed else []
    return "; ".join(parts) or "other order"


def _both(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The keys whose values differ, in order; None stands for a key that is not there."""
    for key in sorted({*old, *new}):
        one, two = old.get(key), new.get(key)
        if one != two:
            yield key, one, two


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_table(value: Any) -> bool:
    return _is_list(value) and all(isinstance(item, Mapping) for item in value)


def _by_identity(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found = {}
    for number, item in enumerate(items):
        named = next((item[key] for key in IDENTITIES if key in item), number)
        found[str(named)] = item
    return found


def _what_happened(old: Any, new: Any) -> str:
    if old is None:
        return "added"
    return "removed" if new is None else "changed"


def _some(names: Sequence[str]) -> str:
    """The first names, and how many there are beside them."""
    if len(names) <= SHOWN_FILES + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN_FILES])} and {len(names) - SHOWN_FILES} more"


def _arrow(old: str | None, new: str | None) -> str:
    return f"{old or 'none'} → {new or 'none'}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _short(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
