"""The configuration folders of installed packages (`tlx.configs`), on tlx's search path."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.plugins.search_path_plugin import SearchPathPlugin

from tlx.config.choices.packages import ENTRY_POINTS, option_folders
from tlx.config.choices.paths import conf_dir


class InstalledConfigs(SearchPathPlugin):
    """Adds the folders where tlx's own configuration is composed, and nowhere else."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append one folder per entry point."""
        place = search_path.find_first_match(SearchPathQuery(provider="main", path=None))
        main = search_path.get_path()[place].path if place >= 0 else None
        if main is None or main.removeprefix("file://") != str(conf_dir()):
            return
        for name, folder in option_folders().items():
            search_path.append(provider=f"{ENTRY_POINTS}: {name}", path=f"file://{folder}")
