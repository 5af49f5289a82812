"""The letters that are classes of the glyphs task, and the fonts they are drawn from."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from tlx.errors import TlxError

# ruff: noqa: RUF001 - letters of several alphabets that resemble each other are the point here.

# Classes parted by spaces: every character of a class is drawn as that class. Upper and lower
# case share a class where only their size differs, as in EMNIST "balanced" (Cohen et al., 2017,
# https://arxiv.org/abs/1702.05373), since size is lost when boxes are stretched to fill the image.
# Letters of a later alphabet that look like a letter of an earlier one are left out.
ALPHABETS = {
    "latin": (
        "A B Cc D E F G H Iil Jj Kk L M N Oo Pp Q R Ss T Uu Vv Ww Xx Yy Zz a b d e f g h m n q r t"
    ),
    "greek": "Γ Δ Θθ Λ Ξ Π Σ Φφ Ψψ Ω α β γ δ ε ζ η λ μ ξ π ρ σ τ ω",
    "cyrillic": "Б Дд Жж Зз Ии Л Цц Чч Шш Щщ Ъъ Ыы Ээ Юю Яя б Њњ Ђ Љљ",
    "armenian": "Ա Բ Գ Դ Ե Զ Է Ը Թ Ժ Ի Լ Խ Ծ Կ Հ Ձ Ղ Ճ Մ Յ Ն Շ Չ Պ Ջ Ռ Վ Տ Ր Ց Փ Ք Ֆ",
    "georgian": "ა ბ გ დ ე ვ ზ თ ი კ ლ მ ნ პ ჟ რ ს ტ უ ფ ქ ღ ყ შ ჩ ც ძ წ ჭ ხ ჯ ჰ",
}

# Fonts of matplotlib which hold true letters; its other fonts hold symbols or placeholders.
FONT_NAMES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmmi10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)


def letter_classes(alphabets: Iterable[str]) -> tuple[str, ...]:
    """Return the classes of some alphabets.

    Args:
        alphabets: Names of `ALPHABETS`; a name given twice counts once.

    Returns:
        One string per class, of the characters drawn as that class.
    """
    return tuple(
        letters for name in dict.fromkeys(alphabets) for letters in ALPHABETS[name].split()
    )


def font_paths() -> tuple[Path, ...]:
    """Return the letter fonts that the installed matplotlib ships, without importing matplotlib.

    Returns:
        Paths of TrueType files, in the order of `FONT_NAMES`.

    Raises:
        TlxError: matplotlib or its fonts are not there.
    """
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise TlxError("Glyphs are drawn with matplotlib's fonts. Install matplotlib.")
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    paths = tuple(folder / f"{name}.ttf" for name in FONT_NAMES)
    found = tuple(path for path in paths if path.is_file())
    if not found:
        raise TlxError(f"No letter fonts in {folder}. Reinstall matplotlib with its fonts.")
    return found
