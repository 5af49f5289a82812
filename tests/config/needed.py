"""What options without a default are given where every shipped option is composed."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

NEEDED: dict[tuple[str, str], tuple[str, ...]] = {
    ("data", "image_folder"): ("data.root={images}",),
    ("data", "image_table"): ("data.table={images}/table.csv",),
    ("data", "table_csv"): ("data.path={images}/features.csv", "backbone=mlp"),
    ("backbone", "mlp"): ("data=table_csv", "data.path={images}/features.csv"),
    ("data", "table_regression"): (
        "data.path={images}/features.csv",
        "data.label_column=x",
        "backbone=mlp",
    ),
    **{
        ("loss", name): (
            "data=table_regression",
            "data.path={images}/features.csv",
            "data.label_column=x",
            "backbone=mlp",
        )
        for name in ("huber", "mae", "mse")
    },
    ("data", "torchvision"): ("data.download=true",),
    ("experiment", "cifar10_source"): ("data.root={images}", "data.classes=[a,b]"),
}


def needed(group: str, option: str, folder: Path) -> list[str]:
    """Return the overrides that an option cannot do without.

    Args:
        group: Its group.
        option: Its name.
        folder: Takes a few images.
    """
    holds = group == "regularizer" and option != "none"  # something must train to be held
    asked = NEEDED.get((group, option), ("strategy=structure_reuse",) if holds else ())
    if not any("{images}" in word for word in asked):
        return list(asked)
    rows = ["path,label"]
    for number in range(24):
        path = folder / "images" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number, 0, 0)).save(path)
        rows.append(f"{path.relative_to(folder / 'images')},{'ab'[number % 2]}")
    (folder / "images/table.csv").write_text("\n".join(rows))
    features = [f"{number * 7 % 24 + 0.5},{'ab'[number % 2]}" for number in range(24)]
    (folder / "images/features.csv").write_text("\n".join(["x,label", *features]))
    return [word.format(images=folder / "images") for word in asked]
