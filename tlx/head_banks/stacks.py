"""Members sorted into stacks: heads that take the same steps, at the same time, in one product."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from torch import nn

from tlx.head_banks.batches import batch_bounds
from tlx.head_banks.member import Member
from tlx.head_banks.step_table import NamedShapes, StepTable, read_step_tables

T = TypeVar("T")


@dataclass(frozen=True)
class Stack:
    """Members which have as many steps of the same kind, over batches of the same sizes.

    Args:
        indices: Positions of the members in their bank, a group behind the other.
        members: The members, in that order.
        step_tables: How each is moved.
        groups: Number of groups of equal size. The members of a group see the same batches.
    """

    indices: tuple[int, ...]
    members: tuple[Member, ...]
    step_tables: tuple[StepTable, ...]
    groups: int

    @property
    def group_members(self) -> tuple[Member, ...]:
        """The first member of each group."""
        return self.members[:: len(self.members) // self.groups]


def find_stacks(members: Sequence[Member], tail: nn.Module) -> list[Stack]:
    """Sort members into stacks.

    Args:
        members: Any members whose heads have the tail's structure.
        tail: From features to logits; its parameters' names decide on weight decay.
    """
    step_tables: dict[int, StepTable] = {}
    for indices in _classes(range(len(members)), [_length(member) for member in members]):
        chosen = [members[i] for i in indices]
        shapes = _shapes(chosen[0], tail)
        found = read_step_tables([m.training for m in chosen], shapes, _steps(chosen[0]))
        step_tables |= dict(zip(indices, found, strict=True))
    kinds = [(_length(m), _kind(m, step_tables[i])) for i, m in enumerate(members)]
    stacks = []
    for indices in _classes(range(len(members)), kinds):
        groups = _classes(indices, [_batches(members[i]) for i in indices])
        for equal in _classes(groups, [len(group) for group in groups]):
            ordered = [i for group in equal for i in group]
            stacks.append(
                Stack(
                    tuple(ordered),
                    tuple(members[i] for i in ordered),
                    tuple(step_tables[i] for i in ordered),
                    len(equal),
                )
            )
    return stacks


def smoothing_of(member: Member) -> float:
    """Return a member's label smoothing."""
    return float(cast(Any, member.training.loss).label_smoothing)


def _classes(items: Iterable[T], keys: Iterable[Hashable]) -> list[list[T]]:
    """Return items with equal keys together, in the order of the first of each."""
    classes: dict[Hashable, list[T]] = {}
    for item, key in zip(items, keys, strict=True):
        classes.setdefault(key, []).append(item)
    return list(classes.values())


def _shapes(member: Member, tail: nn.Module) -> NamedShapes:
    return tuple((name, tuple(member.initial[name].shape)) for name, _ in tail.named_parameters())


def _length(member: Member) -> Hashable:
    shapes = tuple((name, tuple(value.shape)) for name, value in sorted(member.initial.items()))
    trainer = member.trainer
    return (len(member.train), trainer.epochs, trainer.batch_size, shapes)


def _steps(member: Member) -> int:
    return len(batch_bounds(len(member.train), member.trainer.batch_size)) * member.trainer.epochs


def _kind(member: Member, step_table: StepTable) -> Hashable:
    return (step_table.kind, step_table.options, step_table.momenta, smoothing_of(member) > 0)


def _batches(member: Member) -> Hashable:
    return (id(member.train.features), id(member.train.labels), member.training.seed)
