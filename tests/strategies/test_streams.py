"""A training step that takes batches of several splits, each term seeing those it asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor

from tests.activations.asked import CPU as COMPUTE
from tests.regularization.models import regularised, rows_model, rows_task
from tests.strategies.plain_loop import LR, MOMENTUM
from tlx.activations.serve import serve
from tlx.activations.settings import ActivationSettings
from tlx.data.batches import TaskDataModule
from tlx.data.task import Split, Task
from tlx.errors import TlxError
from tlx.objectives.terms import ModelInTraining, Situation, Stream, Term, TermOptions, streams_of
from tlx.strategies.base import TransferModule
from tlx.strategies.fine_tuning.feature_extraction import FeatureExtraction
from tlx.strategies.fine_tuning.structure_reuse import StructureReuse
from tlx.training.history import EpochHistory


@dataclass(frozen=True)
class MeanFeatures:
    """The squared distance of the mean features of the target and of other streams."""

    streams: frozenset[str] = frozenset({"source", "unlabeled"})
    needs_source_head: bool = False
    seen: list[Mapping[str, Stream]] = field(default_factory=list)

    def faults(self, situation: Situation) -> list[Any]:
        return []

    def bind(self, model: ModelInTraining, task: Task, device: torch.device) -> Term:
        return MeanTerm(self.seen)


class MeanTerm(Term):
    def __init__(self, seen: list[Mapping[str, Stream]]) -> None:
        super().__init__()
        self.seen = seen

    def forward(self, streams: Mapping[str, Stream]) -> Tensor:
        self.seen.append(streams)
        here = streams["target"].features.mean(0)
        others = [stream for name, stream in streams.items() if name != "target"]
        return torch.stack([(o.features.mean(0) - here).square().sum() for o in others]).sum()


def wide_task() -> Task:
    source, unlabeled = rows_task(5).train, rows_task(11).train
    shifted = Split(source.inputs + 2, source.labels, source.sample_ids, "elsewhere")
    return rows_task().with_splits(source=shifted, unlabeled=unlabeled.without_labels())


def fitted(
    options: TermOptions,
    *callbacks: Any,
    epochs: int = 3,
    batch_size: int = 8,
    task: Task | None = None,
    resume: str | None = None,
    strategy: type = StructureReuse,
) -> tuple[TransferModule, Trainer]:
    recipe = replace(regularised(MeanFeatures()), terms={"distance": options})  # type: ignore[arg-type]
    module = TransferModule(strategy(rows_model()), recipe)
    trainer = Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=list(callbacks),
    )  # fmt: skip
    streams = module.further_streams
    data = TaskDataModule(task or wide_task(), batch_size=batch_size, seed=0, streams=streams)
    trainer.fit(module, data, ckpt_path=resume)
    return module, trainer


def test_fit_with_two_further_streams_is_the_loop_written_out() -> None:
    options = MeanFeatures()
    module, _ = fitted(options)
    assert len(options.seen) == 3
    reference = rows_model()
    optimizer = torch.optim.SGD(reference.network.parameters(), lr=LR, momentum=MOMENTUM)
    for step in options.seen:
        optimizer.zero_grad()
        target = step["target"]
        body = reference.network[:-1]
        here = body(target.inputs)
        loss = torch.nn.functional.cross_entropy(reference.network[-1](here), target.labels)
        for name in ("source", "unlabeled"):
            loss = loss + (body(step[name].inputs).mean(0) - here.mean(0)).square().sum()
        loss.backward()
        optimizer.step()
    found = module.backbone.network.state_dict()
    for name, value in reference.network.state_dict().items():
        torch.testing.assert_close(found[name], value)


def test_term_sees_the_labels_of_a_labeled_stream_and_none_of_an_unlabeled_one() -> None:
    options = MeanFeatures()
    fitted(options, epochs=1)
    (step,) = options.seen
    assert set(step) == {"target", "source", "unlabeled"}
    source, task = step["source"], wide_task()
    rows = [int((task.split("source").inputs == row).all(1).nonzero()) for row in source.inputs]
    assert source.labels is not None
    assert source.labels.equal(task.labeled("source").labels[rows])
    assert step["unlabeled"].labels is None
    assert step["unlabeled"].logits.shape == (8, 3)


def test_term_sees_only_the_streams_it_asks_for() -> None:
    one, both = MeanFeatures(frozenset({"source"})), MeanFeatures()
    recipe = replace(regularised(one), terms={"one": one, "both": both})  # type: ignore[arg-type]
    module = TransferModule(StructureReuse(rows_model()), recipe)
    assert module.further_streams == ("source", "unlabeled") == streams_of(recipe.terms)
    trainer = Trainer(
        accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(
        module, TaskDataModule(wide_task(), batch_size=8, seed=0, streams=module.further_streams)
    )
    assert set(one.seen[0]) == {"target", "source"}
    assert set(both.seen[0]) == {"target", "source", "unlabeled"}


def test_history_of_a_fit_with_a_term_has_its_mean(tmp_path: Any) -> None:
    options = MeanFeatures()
    history = EpochHistory(tmp_path, terms=("distance",))
    fitted(options, history, epochs=1)
    here = {name: stream.features.detach().mean(0) for name, stream in options.seen[0].items()}
    expected = sum((here[n] - here["target"]).square().sum() for n in ("source", "unlabeled"))
    assert history.rows[0]["train_distance"] == pytest.approx(float(expected), rel=1e-5)


def test_fit_with_streams_resumed_is_the_unbroken_one(tmp_path: Any) -> None:
    whole, _ = fitted(MeanFeatures(), epochs=4, batch_size=3)
    _, half = fitted(MeanFeatures(), epochs=2, batch_size=3)
    half.save_checkpoint(tmp_path / "a.ckpt")
    path = str(tmp_path / "a.ckpt")
    resumed, _ = fitted(MeanFeatures(), epochs=4, batch_size=3, resume=path)
    for name, value in whole.state_dict().items():
        assert value.equal(resumed.state_dict()[name])


def test_batches_of_a_split_that_the_task_lacks_are_refused() -> None:
    with pytest.raises(TlxError) as caught:
        TaskDataModule(rows_task(), batch_size=4, seed=0, streams=("source",))
    assert str(caught.value) == "task noise has no split 'source'; it has train, val, test"


def test_store_keeps_nothing_of_a_step_that_takes_more_than_the_training_split(
    tmp_path: Any,
) -> None:
    recipe = replace(regularised(MeanFeatures()), terms={"distance": MeanFeatures()})  # type: ignore[arg-type]
    module = TransferModule(FeatureExtraction(rows_model()), recipe)
    settings = ActivationSettings(folder=str(tmp_path / "store"))
    served = serve(settings, wide_task(), module, COMPUTE)
    assert served.record == {
        "used": False,
        "reason": "a step takes the split 'source' and the split 'unlabeled' as well",
    }
