"""What the data sets of image files have in common: how they are stored and dealt out."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from tlx.data.images.files.image_limits import Resize
from tlx.data.images.stored.stored_form import FULL_DEPTH, USUAL_FORM, Depth, StoredForm
from tlx.data.source import Given
from tlx.data.splitting import Splitting
from tlx.errors import ConfigError, Fault
from tlx.texts.file_paths import FilePath

if TYPE_CHECKING:
    from tlx.data.images.listing import Listing
    from tlx.data.source import TaskSource
    from tlx.data.task import Task

LISTING_KEEPS_S = 10.0
_lately: dict[str, tuple[float, Listing]] = {}
Corrupt = Literal["fail", "skip"]
Overlap = Literal["refuse", "drop"]
Memory = Literal["auto", "load", "map"]


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """Options of every data set of images.

    Args:
        classes: The classes to tell apart; None takes all.
        size: Height and width of the stored images, in pixels. None takes what the weights' own
            pipeline resizes to, by its interpolation, so that the network sees exactly what its
            weights were made for. Of a size given here, the network's input is made later.
        resize: `crop` brings the shorter side to the size and cuts out the centre, or does what
            the weights' pipeline does; `squash` brings both sides to it.
        depth: Bits of a grey level, 8 to 16, in files that have more than 8; one rule for all
            files. `picture` is for runs recorded before: it guesses for each file by itself.
        min_side: Shortest side of a file's image that is accepted, in pixels.
        corrupt: What becomes of files that give no image: `fail` names them and stops, `skip`
            leaves them out and names them in the record. Of a folder's files that may be images
            of a format that is not read, few are only told of, and many are such files too.
        overlap: What becomes of files with the same bytes in two splits: `refuse` names them and
            stops, `drop` leaves them out of training (and of validation, where the test has them).
        train_per_class: Training images per class; None takes all that remain.
        train_fraction: Share of the remaining images of each class to train on; None takes all.
        val_fraction: Share of each class for validation, where there are no validation images.
        test_fraction: Share of each class for the test, where there are no test images.
        folds: Parts for cross-validation; None deals out once.
        fold: Which part is held out, from 0: for the test, or for validation where the data has
            test images of its own.
        seed: Seed of the splitting.
        cache: Folder that keeps the decoded images.
        memory: `load` copies the images into memory, `map` reads them from disk whenever they are
            used, `auto` loads what fits.
        threads: Images decoded at a time; None takes the CPUs this process may use.
    """

    gives: ClassVar[Given] = Given()

    classes: tuple[str | int, ...] | None = None
    size: int | None = None
    resize: Resize = "crop"
    depth: Depth = FULL_DEPTH
    min_side: int = 1
    corrupt: Corrupt = "fail"
    overlap: Overlap = "refuse"
    train_per_class: int | None = None
    train_fraction: float | None = None
    val_fraction: float = 0.1
    test_fraction: float = 0.2
    folds: int | None = None
    fold: int | None = None
    seed: int = 0
    cache: FilePath = "outputs/decoded"
    memory: Memory = "auto"
    threads: int | None = None

    @property
    def splitting(self) -> Splitting:
        """How the images are dealt out."""
        return Splitting(**{field.name: getattr(self, field.name) for field in fields(Splitting)})

    def form_for(self, wanted: StoredForm | None) -> StoredForm:
        """Return how images are stored.

        Args:
            wanted: What the network's own pipeline begins with; None where no network is known.
        """
        if self.size is not None:
            return StoredForm(self.size, self.resize, depth=self.depth)
        form = replace(wanted or USUAL_FORM, depth=self.depth)
        return form if self.resize == "crop" else replace(form, resize=self.resize)

    def for_network(self, wanted: StoredForm | None) -> TaskSource:
        """Return the same data, stored as a network's own pipeline asks."""
        from tlx.data.images.stored.images_for_network import ImagesForNetwork

        return ImagesForNetwork(self, self.form_for(wanted))

    def listed(self) -> Listing | list[Fault]:
        """Return the images that there are, or what is wrong with them."""
        raise NotImplementedError

    def option_faults(self) -> list[Fault]:
        """Return what is wrong with the options, whatever the data."""
        faults = [*self.splitting.faults()]
        for name in ("size", "min_side", "threads"):
            value = getattr(self, name)
            if value is not None and value < 1:
                faults.append(Fault(f"data.{name}", value, "it is below 1", "Use 1 or more."))
        return faults

    def faults(self) -> list[Fault]:
        """Return what is wrong with the options and with the files' names and places."""
        faults = self.option_faults()
        if faults:
            return faults
        listing = self._listed_lately()
        if isinstance(listing, list):
            return listing
        faults = listing.faults(self.classes)
        if listing.account is not None and self.corrupt == "fail":
            faults = [*listing.account.faults("data.root", listing.root), *faults]
        if faults:
            return faults
        some = listing.only(self.classes)
        return self.splitting.class_faults(some.labels, some.given, some.class_names)

    def _listed_lately(self) -> Listing | list[Fault]:
        """Return what is there: a sweep asks for each of its jobs, which can be slow."""
        own = {name: getattr(self, name) for name in type(self).__annotations__}
        key = f"{type(self).__name__} {own} {Path.cwd()}"
        kept = _lately.get(key)
        if kept is not None and time.monotonic() - kept[0] < LISTING_KEEPS_S:
            return kept[1]
        _lately.clear()
        found = self.listed()
        if not isinstance(found, list):
            _lately[key] = (time.monotonic(), found)
        return found

    def load(self, form: StoredForm | None = None) -> Task:
        """Return the task; images have shape (n, 3, size, size), uint8.

        Args:
            form: How images are stored; None is for no network in particular.

        Raises:
            ConfigError: With what is wrong with the data set.
            TlxError: Where files are corrupt or splits overlap, and this is not to be.
        """
        from tlx.data.images.stored.stored_files import decoded_files
        from tlx.data.images.stored.stored_task import stored_task

        faults = self.faults()
        if faults:
            raise ConfigError(faults)
        listing = cast("Listing", self._listed_lately()).only(self.classes)
        form = form or self.form_for(None)
        decoded = decoded_files(
            listing, form, min_side=self.min_side, threads=self.threads, cache=Path(self.cache)
        )
        return stored_task(Path(listing.root).name or "images", listing, decoded, self, form)
