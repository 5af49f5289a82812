"""Where the configuration folder and the code live, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent.parent.parent


def conf_dir() -> Path:
    """Return the absolute folder of tlx's configuration.

    A wheel carries `conf/` inside the package; a checkout has it beside the package. Hydra's
    relative `config_path` can serve only one of the two, an absolute one serves both.

    Raises:
        FileNotFoundError: Where the installation carries neither.
    """
    for folder in (PACKAGE_DIR / "conf", PACKAGE_DIR.parent / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"tlx is installed without its conf folder (looked beside {PACKAGE_DIR})"
    )
