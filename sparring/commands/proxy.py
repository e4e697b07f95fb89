"""`sparring proxy`: the shadow proxy alone, for staging and production, with the recorder beside it.

Knows flags and how they join a file; refuses to know processes (`proxy_service.py`). Flags win over the file,
at the start and at every reload.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from recording.documents import load_text, read_text
from recording.errors import InputError
from recording.exchange import Role
from sparring.proxy_file import ProxyFile
from sparring.proxy_service import serve

_HELP_TARGET = "http://HOST:PORT, https://HOST:PORT or unix:/PATH; NAME=URL gives it a name"


def proxy(
    config_path: Annotated[Path | None, typer.Argument(metavar="CONFIG.yaml")] = None,
    *,
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="URL", help="its answers go to the client")] = None,
    candidate: Annotated[list[str] | None, typer.Option(metavar="URL", help=_HELP_TARGET)] = None,
    reference: Annotated[list[str] | None, typer.Option(metavar="NAME=URL")] = None,
    mirror: Annotated[float | None, typer.Option(help="share of requests that is mirrored, 0 to 1")] = None,
    canary: Annotated[
        float | None, typer.Option(help="share of requests that the first candidate answers, 0 to 1")
    ] = None,
    scenario: Annotated[Path | None, typer.Option(metavar="FILE", help="faults to inject")] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="keep requests and exchanges here")
    ] = None,
    admin: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="/metrics /healthz /readyz /accounting /shares /reload"),
    ] = None,
    admin_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="holds the token of the admin port")
    ] = None,
    access_log: Annotated[Path | None, typer.Option(metavar="FILE", help="one JSON line a request")] = None,
    workers: Annotated[int | None, typer.Option(help="processes, one a core")] = None,
    seed: Annotated[int | None, typer.Option(help="of faults")] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="print every setting, defaults included, and end")
    ] = False,
) -> int:
    """Mirror live traffic: the client gets the baseline's answer, every other target gets a copy."""
    targets = _targets(baseline, candidate or [], reference or [])
    given = {
        "listen": listen, "mirror": mirror, "admin": admin, "workers": workers, "seed": seed,
        "scenario": _text(scenario), "record": _text(record), "admin_token_file": _text(admin_token_file),
        "access_log": _text(access_log), "canary": canary, "targets": targets or None,
    }  # fmt: skip
    flags = {name: value for name, value in given.items() if value is not None}
    config = _merged(config_path, flags)
    if show_config:
        print(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), end="")
        return 0
    return serve(config, read_again=partial(_merged, config_path, flags))


def _targets(baseline: str | None, candidates: list[str], references: list[str]) -> list[dict[str, str]]:
    """Those that the flags name, in order."""
    named = [(baseline, Role.BASELINE, "baseline")] if baseline else []
    named += [(text, Role.CANDIDATE, _numbered("candidate", i)) for i, text in enumerate(candidates)]
    named += [(text, Role.REFERENCE, _numbered("reference", i)) for i, text in enumerate(references)]
    return [_target(text, role=role, name=name) for text, role, name in named]


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}-{index + 1}"


def _target(text: str, *, role: Role, name: str) -> dict[str, str]:
    given, equals, url = text.partition("=")
    named = bool(equals) and "/" not in given
    return {"name": given if named else name, "role": role.value, "url": url if named else text}


def _merged(path: Path | None, flags: dict[str, Any]) -> ProxyFile:  # Any: YAML
    if path is not None and not flags:
        return load_text(read_text(path), ProxyFile, source=str(path))
    document = _document(path) if path is not None else {}
    if not flags.get("targets") and "targets" not in document:
        raise InputError("no targets", place="--baseline", fix="name at least --baseline URL")
    if "canary" in flags and isinstance(document.get("canary"), dict):
        flags = {**flags, "canary": {**document["canary"], "share": flags["canary"]}}
    text = yaml.safe_dump({**document, **flags}, sort_keys=False)
    return load_text(text, ProxyFile, source=f"{path} with flags" if path else "flags")


def _document(path: Path) -> dict[str, Any]:  # Any: YAML
    try:
        document = yaml.safe_load(read_text(path))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"is not valid YAML: {error.problem}", place=f"{path}:{line}") from None
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {error}", place=str(path)) from None
    if not isinstance(document, dict):
        raise InputError("must be a mapping of keys to values", place=str(path))
    return document
