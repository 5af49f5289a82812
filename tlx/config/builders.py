"""From configuration to plain typed objects: the one module that calls Hydra's `instantiate`."""

from __future__ import annotations

from typing import Annotated, Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field

from tlx.config.options import check_options, check_values, target_of
from tlx.config.plan import Plan, StrategyChoice
from tlx.errors import ConfigError, Fault

SETTINGS = {"seed": Annotated[int, Field(ge=0)], "resume": str | None, "debug": bool}
"""The options outside of any group."""
GROUPS = ("data", "backbone", "strategy", "loss", "optimizer", "scheduler", "trainer")


def build_plan(cfg: DictConfig) -> Plan:
    """Return a configuration as typed objects.

    Args:
        cfg: The composed configuration, without Hydra's own part.

    Raises:
        ConfigError: With every option that does not exist or does not fit, all at once.
    """
    nodes = plain(cfg)
    settings = {name: value for name, value in nodes.items() if name not in GROUPS}
    values, faults = check_values("", settings, SETTINGS, frozenset(SETTINGS))
    options: dict[str, dict[str, Any]] = {}
    for group in GROUPS:
        options[group], found = check_options(group, nodes[group])
        faults += found
    if faults:
        raise ConfigError(faults)
    return _assemble(nodes, options, values["seed"])


def checked_plan(cfg: DictConfig) -> Plan:
    """Return a configuration as typed objects which fit together.

    Raises:
        ConfigError: With every fault of the configuration, before any work.
    """
    plan = build_plan(cfg)
    faults = plan.faults()
    if faults:
        raise ConfigError(faults)
    return plan


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return a configuration as plain containers, references filled in.

    Raises:
        ConfigError: Where a reference leads nowhere.
    """
    try:
        container = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        key = str(error.full_key or "configuration")
        reason = str(error).splitlines()[0]
        raise ConfigError([Fault(key, "?", reason, "Correct the reference.")]) from error
    assert isinstance(container, dict)
    return {
        str(key): value for key, value in container.items() if key not in ("hydra", "experiment")
    }


def _assemble(nodes: dict[str, Any], options: dict[str, dict[str, Any]], seed: int) -> Plan:
    from tlx.strategies.transfer_module import Training

    def make(group: str, *, partial: bool = False) -> Any:
        node = {"_target_": nodes[group]["_target_"]}
        return instantiate(node, **options[group], _partial_=partial, _convert_="all")

    training = Training(
        loss=make("loss"),
        optimizer=make("optimizer", partial=True),
        schedule=make("scheduler", partial=True),
        seed=seed,
    )
    return Plan(
        data=make("data"),
        source_model=make("backbone"),
        strategy=StrategyChoice(target_of(nodes["strategy"]), options["strategy"]),  # type: ignore[arg-type]
        training=training,
        trainer=make("trainer"),
        seed=seed,
        recipe={group: {"name": _name(nodes[group])} | options[group] for group in GROUPS},
    )


def _name(node: dict[str, Any]) -> str:
    return str(node.get("name") or node["_target_"].rsplit(".", 1)[-1])
