"""Each job of a sweep is composed once."""

from __future__ import annotations

from typing import Any

from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from tlx.spark.launcher.composed_once import ComposedOnce, compose_once, plain_context


class _Counting:
    def __init__(self) -> None:
        self.composed: list[tuple[str, ...]] = []

    def load_sweep_config(self, master: DictConfig, overrides: list[str]) -> DictConfig:
        del master
        self.composed.append(tuple(overrides))
        return OmegaConf.create({"seed": 3, "copy": "${seed}", "asked": list(overrides)})

    def get_search_path(self) -> str:
        return "here"


def test_composed_once_second_request_is_answered_from_the_first() -> None:
    inner = _Counting()
    loader = ComposedOnce(inner)  # type: ignore[arg-type]
    sweep = OmegaConf.create({})
    first = loader.load_sweep_config(sweep, ["a=1"])
    first.seed = 4  # the sweeper's copy is its own
    second = loader.load_sweep_config(sweep, ["a=1"])
    assert inner.composed == [("a=1",)]
    assert OmegaConf.to_container(second) == {"seed": 3, "copy": "${seed}", "asked": ["a=1"]}


def test_composed_once_third_request_is_composed_again() -> None:
    inner = _Counting()
    loader = ComposedOnce(inner)  # type: ignore[arg-type]
    for _ in range(3):
        loader.load_sweep_config(OmegaConf.create({}), ["a=1"])
    assert len(inner.composed) == 2


def test_composed_once_everything_else_is_the_loaders_own() -> None:
    assert ComposedOnce(_Counting()).get_search_path() == "here"  # type: ignore[arg-type]


def test_plain_context_after_compose_once_holds_the_loader_itself() -> None:
    inner: Any = _Counting()
    context = HydraContext(config_loader=inner, callbacks=None)  # type: ignore[arg-type]
    compose_once(context)
    compose_once(context)
    assert isinstance(context.config_loader, ComposedOnce)
    assert context.config_loader.loader is inner
    assert plain_context(context).config_loader is inner
