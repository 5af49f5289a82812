"""Python, tlx and the packages it needs: there, recent enough, and importable."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tlx.extras import EXTRAS, install_command, missing_modules
from tlx.health.finding import Finding
from tlx.health.imports import Imported, try_imports
from tlx.health.requirements import python_requirement, tlx_requirements

if TYPE_CHECKING:
    from packaging.requirements import Requirement

MODULES: Final = {
    "fonttools": "fontTools",
    "hydra-core": "hydra",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}
"""Packages that are imported by another name than their own."""
SHIPPED = Path(__file__).resolve().parent.parent / "backbones" / "shipped"
FEATURES: Final = {
    "export": "python -m tlx.export --format onnx",
    "jre": "hydra/launcher=spark without a Java of your own",
    "lora": "strategy=lora",
    "mlflow": "logger=mlflow",
    "search": "hydra/sweeper=optuna",
    "tensorboard": "logger=tensorboard",
    "wandb": "logger=wandb",
}


def python_finding() -> Finding:
    """Return whether this Python is one that tlx runs on."""
    from packaging.specifiers import SpecifierSet

    version, wanted = platform.python_version(), python_requirement()
    text = f"{version} in {sys.prefix}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Finding("fine", "python", text)
    return Finding("broken", "python", text, f"Install Python {wanted}.")


def tlx_findings() -> list[Finding]:
    """Return whether tlx itself is whole: its configuration and its shipped models."""
    from tlx import __version__
    from tlx.config.choices.paths import PACKAGE_DIR, conf_dir

    remedy = "Install tlx again."
    try:
        where = conf_dir()
    except FileNotFoundError as error:
        return [Finding("broken", "tlx", str(error), remedy)]
    models = sorted(path.stem for path in SHIPPED.glob("*.safetensors"))
    if not models:
        return [Finding("broken", "tlx", f"no shipped model in {SHIPPED}", remedy)]
    text = f"{__version__} in {PACKAGE_DIR}, configuration in {where}, ships {', '.join(models)}"
    return [Finding("fine", "tlx", text)]


def package_findings() -> tuple[list[Finding], dict[str, Imported]]:
    """Return a finding per package that tlx needs, and how the imports went."""
    requirements = tlx_requirements()
    installed = {r.name: _version(r.name) for r in requirements}
    modules = [module_of(r.name) for r in requirements if installed[r.name] is not None]
    imports = try_imports(modules)
    return [_package(r, installed[r.name], imports) for r in requirements], imports


def _package(
    requirement: Requirement, version: str | None, imports: dict[str, Imported]
) -> Finding:
    name = requirement.name
    install = f"Run pip install '{name}{requirement.specifier}'."
    if version is None:
        return Finding("broken", name, "not installed", install)
    if not requirement.specifier.contains(version, prereleases=True):
        text = f"{version}, and tlx needs {requirement.specifier}"
        return Finding("broken", name, text, install)
    error = imports[module_of(name)].error
    if error is None:
        return Finding("fine", name, version)
    again = f"Run pip install --force-reinstall '{name}=={version.partition('+')[0]}'"
    torch = imports.get("torch")
    if name != "torch" and torch is not None and torch.error is not None:
        again = f"Mend torch first; if that is not enough, {again[0].lower()}{again[1:]}"
    return Finding("broken", name, f"{version} cannot be imported ({error})", f"{again}.")


def module_of(name: str) -> str:
    """Return the name a package is imported by."""
    return MODULES.get(name, name.replace("-", "_"))


def extra_findings(extras: Sequence[str] = tuple(EXTRAS)) -> list[Finding]:
    """Return for each extra whether it is installed."""
    findings = []
    for extra in extras:
        missing = missing_modules(extra)
        if missing:
            remedy = f"For {FEATURES[extra]} run {install_command(extra)}."
            text = f"{', '.join(missing)} not installed"
            findings.append(Finding("optional", f"extra {extra}", text, remedy))
        else:
            findings.append(Finding("fine", f"extra {extra}", f"for {FEATURES[extra]}"))
    return findings


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
