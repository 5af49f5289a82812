from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.tiny import command, result_of
from tlx.backbones import build_backbone, read_card
from tlx.backbones.weights.shipped_models import SHIPPED_FOLDER, shipped_names
from tlx.config.builders import checked_plan
from tlx.config.composition import compose_config
from tlx.data.synthetic.glyphs import Glyphs
from tlx.objectives.predictions import predict
from tlx.pretrain import HELP

PRETRAIN = (
    "data=glyphs",
    "data.train_size=400",
    "data.val_size=100",
    "data.test_size=100",
    "data.alphabets=[latin]",
    "backbone=mobilenet_v2",
    "backbone.image_size=32",
    "trainer.epochs=1",
)


@pytest.mark.slow
def test_pretrain_writes_a_model_that_a_transfer_starts_from(tmp_path: Path) -> None:
    source = tmp_path / "source"
    done = command("tlx.pretrain", *PRETRAIN, f"hydra.run.dir={source}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    model = source / "glyphs_mobilenet_v2.safetensors"
    card = read_card(model)
    assert card is not None
    assert card.backbone == "mobilenet_v2"
    assert card.preprocess["crop_size"] == 32
    assert card.score["accuracy"] == result_of(source)["metrics"]["test"]["accuracy"]
    assert card.command.startswith("python -m tlx.pretrain experiment=pretrain data=glyphs")
    assert "mobilenet_v2" in (source / "MODEL_CARD.md").read_text()
    assert model.stat().st_size < 0.6 * (source / "model.safetensors").stat().st_size
    for weights in (model, source, source / "checkpoints" / "last.ckpt"):
        backbone = build_backbone("mobilenet_v2", num_classes=10, weights=str(weights))
        assert backbone.num_classes == 10


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_model_is_small_and_has_a_card_with_its_command(name: str) -> None:
    path = SHIPPED_FOLDER / f"{name}.safetensors"
    assert path.stat().st_size <= 6_000_000
    card = read_card(path)
    assert card is not None
    assert card.name == name
    assert card.command.startswith("python -m tlx.pretrain ")
    assert not any(character.isdigit() for names in card.class_names for character in names)


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_model_scores_on_fresh_glyphs_what_its_card_says(name: str) -> None:
    card = read_card(SHIPPED_FOLDER / f"{name}.safetensors")
    assert card is not None
    fresh = Glyphs(train_size=1, val_size=1, test_size=1000, seed=card.seed + 12345).load()
    assert fresh.class_names == card.class_names
    backbone = build_backbone(card.backbone, num_classes=None, weights=name, keep_head=True)
    said = predict(backbone, fresh.test).argmax(dim=1)
    accuracy = (said == fresh.test.labels).float().mean().item()
    spread = (card.score["accuracy"] * (1 - card.score["accuracy"]) / 1000) ** 0.5
    assert accuracy == pytest.approx(card.score["accuracy"], abs=4 * spread + 0.01)
    assert torch.isfinite(torch.cat([p.flatten() for p in backbone.parameters()])).all()


@pytest.mark.parametrize("words", [words for words, _ in HELP.examples if "resume" not in words])
def test_pretrain_examples_of_the_help_page_are_sound(words: str) -> None:
    plan = checked_plan(compose_config(["experiment=pretrain", *words.split()]))
    assert not plan.strategy.starts_from_weights
