"""torchvision's own classification data sets, by name."""

from __future__ import annotations

import contextlib
import inspect
import io
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlx.data.images.image_options import ImageOptions
from tlx.data.images.torchvision_names import KNOWN
from tlx.errors import ConfigError, Fault, TlxError, did_you_mean
from tlx.texts.file_paths import FilePath

if TYPE_CHECKING:
    from tlx.data.images.files.image_file import DecodedImage
    from tlx.data.images.listing import Listing
    from tlx.data.images.stored.decoded import DecodedImages
    from tlx.data.images.stored.stored_form import StoredForm
    from tlx.data.task import Task

DOWNLOAD_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class TorchvisionData(ImageOptions):
    """A data set that torchvision knows by name.

    Its own splits are kept; one that it lacks is dealt out of the training images. They are taken
    as published: images that are in two of them are not looked for.

    Args:
        name: The name of torchvision's class (`CIFAR10`).
        root: Folder of the downloaded data sets.
        download: Whether to download what is not there.
        size: Height and width of the stored images, in pixels; None takes the data set's own where
            all its images are squares of one size, else what the weights' pipeline resizes to.
    """

    name: str = "CIFAR10"
    root: FilePath = "outputs/data"
    download: bool = False

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options; what is in the files shows when they are read."""
        faults = self.option_faults()
        if self.name not in KNOWN:
            reason = "torchvision has no classification data set of this name"
            remedy = _meant(self.name)
            return [*faults, Fault("data.name", self.name, reason, remedy)]
        root = Path(self.root)
        if not self.download and not (root.is_dir() and any(root.iterdir())):
            reason = f"there is nothing in this folder, so no {self.name}"
            faults.append(Fault("data.root", self.root, reason, _REMEDY))
        return faults

    def form_for(self, wanted: StoredForm | None) -> StoredForm:
        """Return how images are stored: small squares of one size as they are.

        The network's pipeline enlarges them later, to within a grey level of what it would make of
        PIL's images (bicubic: but for a few pixels beside black and white); kept at its size,
        CIFAR-10 would take 64 times the memory.
        """
        known = KNOWN.get(self.name)
        if self.size is None and known is not None and known.side is not None:
            return replace(self, size=known.side).form_for(wanted)
        return super().form_for(wanted)

    def load(self, form: StoredForm | None = None) -> Task:
        """Return the task; images have shape (n, 1 or 3, size, size), uint8.

        Args:
            form: How images are stored; None is for no network in particular.

        Raises:
            ConfigError: With what is wrong with the options or the classes.
            TlxError: Where the data set is not there and cannot be downloaded.
        """
        from tlx.data.images.stored.stored_task import stored_task

        faults = self.faults()
        if faults:
            raise ConfigError(faults)
        known = KNOWN[self.name]
        parts = [(split, self._part(arguments)) for split, arguments in known.splits.items()]
        form = form or self.form_for(None)
        decoded = self._decoded([part for _, part in parts], form, known.channels)
        listing = self._listing(parts, decoded)
        faults = listing.faults(self.classes)
        if faults:
            raise ConfigError(faults)
        chosen = listing.only(self.classes)
        rows = np.flatnonzero(np.isin(listing.names, chosen.names))
        return stored_task(
            self.name.lower(), chosen, decoded.rows(rows), self, form, refuses_overlaps=False
        )

    def _part(self, arguments: Any) -> Any:
        """Return one split as torchvision gives it.

        Raises:
            TlxError: Where it is not there, or cannot be downloaded.
        """
        from torchvision import datasets

        kind = getattr(datasets, self.name)
        taken = inspect.signature(kind.__init__).parameters
        asks = {"download": self.download} if "download" in taken or "kwargs" in taken else {}
        if self.name == "ImageNet":
            asks = {}
        try:
            with _patient(), contextlib.redirect_stdout(io.StringIO()):
                return kind(self.root, **arguments, **asks)
        except ModuleNotFoundError as error:
            raise TlxError(f"{self.name} needs the package {error.name}: install it.") from error
        except Exception as error:  # torchvision's readers fail in any way on damaged files
            raise TlxError(self._absent(error)) from error

    def _absent(self, error: Exception) -> str:
        why = " ".join(str(error).split()) or type(error).__name__
        if not self.download:
            return f"data.name={self.name}: it cannot be read from {self.root} ({why}). {_REMEDY}"
        return (
            f"data.name={self.name}: it cannot be downloaded to {self.root} ({why}). "
            "Without a network, put torchvision's files of it there from another machine, and "
            "leave data.download=false."
        )

    def _decoded(self, parts: list[Any], form: StoredForm, channels: int) -> DecodedImages:
        from tlx.data.images.stored.decoded import Decoding, decoded_images
        from tlx.machine import usable_cpus

        ends = np.cumsum([len(part) for part in parts])

        def decode(row: int) -> DecodedImage:
            number = int(np.searchsorted(ends, row, side="right"))
            first = int(ends[number - 1]) if number else 0
            return self._decode(parts[number], row - first, form, channels)

        depends_on = {
            "torchvision": [self.name, str(Path(self.root).resolve()), ends.tolist()],
            "files": _files(Path(self.root)),
            "form": asdict(form),
            "min_side": self.min_side,
        }
        shape = (channels, form.size, form.size)
        threads = self.threads or usable_cpus()
        asked = Decoding(int(ends[-1]), shape, depends_on, decode, threads)
        return decoded_images(asked, Path(self.cache))

    def _decode(self, part: Any, row: int, form: StoredForm, channels: int) -> DecodedImage:
        from tlx.data.images.files.image_file import DecodedImage, to_rgb, to_square
        from tlx.data.images.files.image_limits import (
            ImageFileError,
            check_sides,
            check_strip,
            decoding_fault,
        )

        try:
            image, label = part[row]
        except Exception as error:  # PIL's decoders raise what they like on damaged files
            raise ImageFileError(decoding_fault(error, b"")) from error
        check_sides(image, self.min_side)
        check_strip(image.size, form.size, form.resize)
        square = to_square(image if channels == 1 else to_rgb(image, form.depth), form)
        pixels = np.asarray(square.convert("L") if channels == 1 else square, np.uint8)
        shaped = pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
        return DecodedImage(shaped, image.mode, bytes(32), int(label))

    def _listing(self, parts: list[tuple[int, Any]], decoded: DecodedImages) -> Listing:
        from tlx.data.images.listing import Listing

        given = np.concatenate([np.full(len(part), split, np.int8) for split, part in parts])
        names = tuple(f"{self.name}/{row:08d}" for row in range(len(given)))
        classes = _class_names(parts[0][1], int(decoded.labels.max(initial=0)) + 1)
        # A bad image has no label; it is left out or fatal later, whatever its class.
        labels = decoded.labels.clip(min=0)
        return Listing(Path(self.root), names, labels, given, classes)


def _meant(name: str) -> str:
    same = [known for known in KNOWN if known.lower() == name.lower()]
    return did_you_mean(same[0] if same else name, KNOWN)


_REMEDY = "Give the folder that holds it, or say data.download=true."


def _files(root: Path) -> list[tuple[str, int, int]]:
    """Return name, size and time of change of what lies in a folder, one level deep."""
    found = [(path, path.stat()) for path in sorted(root.glob("*")) + sorted(root.glob("*/*"))]
    return [
        (path.relative_to(root).as_posix(), stat.st_size, stat.st_mtime_ns) for path, stat in found
    ]


def _class_names(part: Any, count: int) -> tuple[str, ...]:
    found = getattr(part, "classes", None) or getattr(part, "categories", None) or ()
    names = tuple(name[0] if isinstance(name, tuple) else str(name) for name in found)
    # Some name fewer classes than they number, or not at all.
    return names if len(names) >= count else tuple(str(label) for label in range(count))


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    """Wait for a server, but not for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
