"""What the jobs of a head bank share: model A, the images at its cut, and each job's fresh head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import torch
from pytorch_lightning import seed_everything
from torch import Tensor, nn

from tlx.activations.cached_inputs import CachedInputs, StoredTail
from tlx.activations.serve import Served, serve
from tlx.backbones.cutting import Tail, cut_behind
from tlx.backbones.heads import replace_head
from tlx.data.batches import EVALUATION_BATCH_SIZE
from tlx.head_banks.member import FeatureSplit

if TYPE_CHECKING:
    from tlx.backbones import Backbone
    from tlx.data.task import Split, Task
    from tlx.machine import Compute
    from tlx.plan.plan import Plan
    from tlx.strategies.base import TransferModule

Head = dict[str, Tensor]


@dataclass(frozen=True)
class Cut:
    """A task's images behind the frozen prefix.

    Args:
        served: What the activation store gave, and what evaluation reads.
        train: Training images at the cut, on the device of the fit.
        val: Validation images at the cut.
    """

    served: Served
    train: FeatureSplit
    val: FeatureSplit

    @property
    def cached(self) -> CachedInputs:
        """What evaluation computes with."""
        assert self.served.cached is not None
        return self.served.cached

    @property
    def tail(self) -> nn.Module:
        """From features to logits, as it runs in training."""
        return cast(Tail, self.cached.tail.tail).training_graph


def fresh_heads(plans: Sequence[Plan], backbone: Backbone, classes: int) -> list[Head]:
    """Return the head that each job's own build of model A would have.

    Building model A for every seed is slow, and weights from a file draw no numbers: the first
    draw after seeding is the head's. Where that is found not to hold, model A is built again.

    Args:
        plans: The jobs.
        backbone: Model A as the first job builds it; has that job's head afterwards.
        classes: Classes of the task.
    """
    own = head_of(backbone)
    drawn = _drawn_head(backbone, plans[0].seed, classes)
    is_first_draw = all(value.equal(own[name]) for name, value in drawn.items())
    heads = {plans[0].seed: own}
    for plan in plans:
        if plan.seed not in heads and is_first_draw:
            heads[plan.seed] = _drawn_head(backbone, plan.seed, classes)
        elif plan.seed not in heads:
            heads[plan.seed] = head_of(_built(plan, classes))
    backbone.network.load_state_dict(own, strict=False)
    return [heads[plan.seed] for plan in plans]


def head_of(backbone: Backbone) -> Head:
    """Return a copy of a backbone's head, by the names in its network."""
    state = backbone.head.state_dict()
    return {f"{backbone.head_path}.{name}": value.clone() for name, value in state.items()}


def after_prefix(plan: Plan, task: Task, module: TransferModule, compute: Compute) -> Cut:
    """Return a task's images at the cut, from the activation store or computed now.

    Args:
        plan: A job on this task.
        task: The images.
        module: The strategy over model A.
        compute: Where and how to compute.
    """
    served = serve(plan.activations, task, module, compute)
    if served.cached is None:
        served = replace(served, cached=_computed(task, module, compute))
    cached = cast(CachedInputs, served.cached)
    device = torch.device(compute.accelerator)
    train, val = (
        FeatureSplit(_whole(part.inputs, cached.tail).to(device), part.labels.to(device))
        for part in (cached.task.train, cached.task.val)
    )
    return Cut(served, train, val)


def autocast_of(compute: Compute) -> torch.dtype | None:
    """Return the lower number format of mixed precision, or None for full precision."""
    return torch.bfloat16 if compute.precision == "bf16-mixed" else None


def _drawn_head(backbone: Backbone, seed: int, classes: int) -> Head:
    seed_everything(seed, workers=True, verbose=False)
    replace_head(backbone.network, backbone.name, classes)
    return head_of(backbone)


def _built(plan: Plan, classes: int) -> Backbone:
    seed_everything(plan.seed, workers=True, verbose=False)
    return plan.source_model.build(classes, from_weights=plan.strategy.starts_from_weights)


def _whole(rows: Any, tail: StoredTail) -> Tensor:
    """Return activations as one tensor in the type and layout that the tail is to get."""
    if not isinstance(rows, Tensor):  # several parts of the store answer an index as a tensor does
        rows = rows[torch.arange(len(rows))]
    values: Tensor = rows.to(tail.dtype)
    return values.contiguous(memory_format=torch.channels_last) if tail.channels_last else values


def _computed(task: Task, module: TransferModule, compute: Compute) -> CachedInputs:
    """Compute a task's activations without the store: once, and kept in memory."""
    backbone = module.backbone
    prefix, tail = cut_behind(backbone, backbone.stage_names[-1])
    prefix.to(compute.accelerator)
    images = {"val": task.val.inputs, "test": task.test.inputs}

    def at_cut(pixels: Tensor, autocast: torch.dtype | None = None) -> Tensor:
        context = torch.autocast(compute.accelerator, autocast) if autocast else nullcontext()
        with torch.no_grad(), context:
            batches = torch.split(pixels[:].to(compute.accelerator), EVALUATION_BATCH_SIZE)
            return torch.cat([prefix(backbone.preprocess(batch)) for batch in batches]).cpu()

    def with_activations(part: Split) -> Split:
        return replace(part, inputs=at_cut(part.inputs, autocast_of(compute)))

    at_the_cut = task.with_splits(
        train=with_activations(task.train), val=with_activations(task.val)
    )
    return CachedInputs(
        task=at_the_cut,
        tail=StoredTail(tail, at_the_cut.val.inputs.dtype, channels_last=False),
        scored={name: at_cut(pixels) for name, pixels in images.items()},
        scoring_tail=StoredTail(tail, torch.float32, channels_last=False),
    )


def release(cuts: Iterable[Cut]) -> None:
    """Let the store prune what was read."""
    for cut in cuts:
        cut.served.release()
