"""From configuration to plain typed objects.

A group's target is called with the group's options, once they are checked. Hydra's `instantiate` is
not used: it would make whatever a value names in its turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field

from tlx.config.choices.groups import option_names
from tlx.config.choices.options import check_options, check_values, target_of
from tlx.config.experiment import Experiment
from tlx.config.stored.image_form import as_earlier_runs_did, stored_for_network
from tlx.config.typed.places import with_places
from tlx.errors import ConfigError, Fault, did_you_mean
from tlx.plan.plan import Plan, StrategyChoice
from tlx.texts.redaction import redact

if TYPE_CHECKING:
    from tlx.data.in_memory.examples import Examples
    from tlx.data.source import TaskSource
    from tlx.objectives.terms import TermOptions

SETTINGS = {"seed": Annotated[int, Field(ge=0, le=2**32 - 1)], "resume": str | None, "debug": bool}
"""The options outside of any group."""
GROUPS = (
    "data", "augmentation", "backbone", "strategy", "loss", "optimizer", "scheduler", "trainer",
    "activations", "logger", "regularizer",
)  # fmt: skip
LATER_GROUPS = {
    "activations": {"_target_": "tlx.activations.settings.ActivationSettings"},
    "augmentation": {"_target_": "tlx.augmentation.choices.none"},
    "logger": {"_target_": "tlx.loggers.none.NoLogger"},
    "regularizer": {"_target_": "tlx.regularization.none.NoRegularizer"},
}
"""Groups that configurations of earlier runs lack, with what stands for them."""


def checked_plan(cfg: Mapping[str, Any], examples: Examples | None = None) -> Plan:
    """Return a configuration as typed objects which fit together.

    Args:
        cfg: The composed configuration, without Hydra's own part, or that of a run (`load_config`),
            whose values are final.
        examples: What a program holds in memory, where its data are `in_memory`.

    Raises:
        ConfigError: With every fault of the configuration, all at once, before any work.
    """
    from tlx.config.checks.plan import plan_faults

    nodes = as_earlier_runs_did(LATER_GROUPS | plain(cfg))
    options, faults = _checked_options(nodes)
    if faults:
        raise ConfigError([*faults, *_faults_of_sound_groups(nodes, options, faults, examples)])
    plan = _assemble(nodes, options)
    if examples is not None:
        plan = replace(plan, data=_holding(plan.data, examples))
    faults = plan_faults(plan)
    if faults:
        raise ConfigError(faults)
    return stored_for_network(plan)


def _holding(source: TaskSource, examples: Examples) -> TaskSource:
    from tlx.data.in_memory.held import held
    from tlx.data.in_memory.source import InMemory

    assert isinstance(source, InMemory), "examples in memory go with data=in_memory"
    return held(examples, source)


def made_experiment(cfg: DictConfig) -> Experiment | None:
    """Return the experiment of several runs that a configuration names, or None.

    Args:
        cfg: The composed configuration.

    Raises:
        ConfigError: Where its options are wrong.
    """
    node = OmegaConf.to_container(cfg, resolve=True).get("experiment")  # type: ignore[union-attr]
    if not node:
        return None
    options, faults = check_options("experiment", node)
    if faults:
        raise ConfigError(faults)
    made: Experiment = _make({"experiment": node}, {"experiment": options}, "experiment")
    return made


def _checked_options(nodes: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[Fault]]:
    settings = {name: value for name, value in nodes.items() if name not in GROUPS}
    values, faults = check_values("", settings, SETTINGS, frozenset(SETTINGS))
    options = {"": values}
    for group in GROUPS:
        node = nodes.get(group)
        if not isinstance(node, dict):
            remedy = did_you_mean("", option_names(group))
            faults.append(Fault(group, node, "needs an option", remedy))
            continue
        options[group], found = check_options(group, node)
        faults += found
    return options, faults


def _faults_of_sound_groups(
    nodes: dict[str, Any],
    options: dict[str, dict[str, Any]],
    faults: list[Fault],
    examples: Examples | None,
) -> list[Fault]:
    """Return what data and model A say of themselves, though another group is at fault."""
    unsound = {fault.key.split(".")[0] for fault in faults}
    sound = [group for group in ("data", "backbone") if group not in unsound]
    made = {group: _make(nodes, options, group) for group in sound}
    if examples is not None and "data" in made:
        made["data"] = _holding(made["data"], examples)
    return [fault for one in made.values() for fault in one.faults()]


def plain(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as plain containers, references filled in and paths found.

    Raises:
        ConfigError: Where a reference leads nowhere.
    """
    try:
        is_composed = isinstance(cfg, DictConfig)
        container = OmegaConf.to_container(cfg, resolve=True) if is_composed else cfg
    except OmegaConfBaseException as error:
        key = str(error.full_key or "configuration")
        reason = str(error).splitlines()[0]
        raise ConfigError([Fault(key, "?", reason, "Correct the reference.")]) from error
    assert isinstance(container, Mapping)
    return with_places(
        {str(key): value for key, value in container.items() if key not in ("hydra", "experiment")}
    )


def _make(
    nodes: dict[str, Any], options: dict[str, dict[str, Any]], group: str, *, later: bool = False
) -> Any:
    target = target_of(nodes[group])
    return partial(target, **options[group]) if later else target(**options[group])


def _assemble(nodes: dict[str, Any], options: dict[str, dict[str, Any]]) -> Plan:
    from tlx.strategies.base import Training

    seed = options[""]["seed"]
    training = Training(
        loss=_make(nodes, options, "loss"),
        optimizer=_make(nodes, options, "optimizer", later=True),
        schedule=_make(nodes, options, "scheduler", later=True),
        seed=seed,
        augmentation=_make(nodes, options, "augmentation"),
        terms=_terms(_make(nodes, options, "regularizer")),
    )
    return Plan(
        data=_make(nodes, options, "data"),
        source_model=_make(nodes, options, "backbone"),
        strategy=StrategyChoice(target_of(nodes["strategy"]), options["strategy"]),  # type: ignore[arg-type]
        training=training,
        trainer=_make(nodes, options, "trainer"),
        seed=seed,
        activations=_make(nodes, options, "activations"),
        logger=_make(nodes, options, "logger"),
        recipe=redact({g: {"name": _name(nodes[g])} | options[g] for g in GROUPS}),
    )


def _terms(regularizer: Any) -> dict[str, TermOptions]:
    """Return the terms of the loss by the names that `metrics.csv` has for them."""
    from tlx.regularization.none import NoRegularizer

    return {} if isinstance(regularizer, NoRegularizer) else {"penalty": regularizer}


def _name(node: dict[str, Any]) -> str:
    """Return how the record calls a choice: its own name, or its target's in snake case."""
    target = node["_target_"].rsplit(".", 1)[-1]
    return str(node.get("name") or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target).lower())
