"""`python -m tlx.doctor`: whether this machine has what tlx needs, and what to do where not.

Every line says fine, or what to do. Exit status: 0 all that tlx needs is there, 1 something is
broken, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlx.texts.typed_path import typed_path

if TYPE_CHECKING:
    from tlx.health.finding import Finding


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tlx.doctor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--outputs", type=typed_path, default=Path("outputs"), metavar="FOLDER",
        help="where runs go (default: outputs)",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    sys.exit(report(given.outputs))


def report(outputs: Path) -> int:
    """Print what was found, line by line, and return the exit status."""
    from tlx.health.finding import verdict

    findings = []
    for finding in examine(outputs):
        print(finding, flush=True)
        findings.append(finding)
    print(verdict(findings))
    return int(any(finding.level == "broken" for finding in findings))


def examine(outputs: Path) -> Iterator[Finding]:
    """Look at everything, and yield what was found.

    Args:
        outputs: Where runs go.
    """
    from tlx.health import machine, packages
    from tlx.health.finding import Finding

    def guarded(name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
        try:
            return look()
        except Exception as error:  # a doctor that falls ill says so and goes on
            reason = f"could not be looked at ({type(error).__name__}: {error})"
            return [Finding("broken", name, reason, "Mend what is named there.")]

    yield from guarded("python", lambda: [packages.python_finding()])
    yield from guarded("tlx", packages.tlx_findings)
    imports = {}

    def look_at_packages() -> list[Finding]:
        found, went = packages.package_findings()
        imports.update(went)
        return found

    yield from guarded("packages", look_at_packages)
    yield machine.device_finding(imports.get("torch"))
    yield from guarded("java", lambda: [machine.java_finding()])
    yield from guarded("outputs", lambda: [machine.outputs_finding(outputs)])
    yield from guarded("disk", lambda: [machine.disk_finding(outputs)])
    yield machine.memory_finding(machine.available_memory())
    yield from guarded("cached weights", lambda: [machine.weights_finding()])
    yield from guarded("extras", packages.extra_findings)


if __name__ == "__main__":
    main()
