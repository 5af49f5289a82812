"""Predict many image files: read ahead in threads, part by part, each part kept at once."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from tlx.data.images.files.image_limits import ImageFileError, quiet_about_size
from tlx.errors import TlxError
from tlx.inference.inputs import Inputs, locate, read_inputs
from tlx.inference.parts import Parts, check_output
from tlx.inference.prediction_table import Predictions, prediction_schema
from tlx.inference.predictor import Predictor, load_predictor
from tlx.machine import available_devices, usable_cpus
from tlx.progress import counted
from tlx.texts.names import shown_name

BATCH_SIZE = 64
PART_ROWS = 4096
BATCHES_AHEAD = 2
log = logging.getLogger("tlx")


@dataclass(frozen=True)
class Predicted:
    """How a prediction ended.

    Args:
        output: The file with the predictions.
        rows: How many rows it has.
        errors: How many of them have an error in the place of a class.
        kept_rows: How many had been predicted before.
        first_error: Why the first of them has none.
    """

    output: Path
    rows: int
    errors: int
    kept_rows: int
    first_error: str | None = None

    @property
    def failed(self) -> bool:
        """Whether no row has a prediction."""
        return self.errors == self.rows


def predict_files(
    run: Path,
    source: Path,
    output: Path,
    *,
    path_column: str = "path",
    root: Path | None = None,
    device: str = "auto",
    batch_size: int = BATCH_SIZE,
    part_rows: int = PART_ROWS,
    threads: int | None = None,
    overwrite: bool = False,
) -> Predicted:
    """Write what a run's model says of image files to a table.

    The table has a row per image, in the input's order: `row`, `path`, `predicted`, `confidence`,
    `p_<class>` for each class, and `error`, which says why a row has none of these. Broken off, the
    same call goes on with the first part that is missing.

    Args:
        run: The folder of a completed run.
        source: A folder of images, or a table in CSV or Parquet with a column of paths.
        output: The predictions; `.parquet` or `.csv`.
        path_column: The table's column of image paths.
        root: Where the table's relative paths start; None means the table's own folder.
        device: `auto`, `cpu`, `cuda` or `mps`.
        batch_size: Images that the model sees at a time.
        part_rows: Rows of a part.
        threads: CPU threads; None takes the CPUs this process may use.
        overwrite: Whether earlier predictions of another model or input may go.

    Raises:
        TlxError: Where run, input, output or device cannot be used, before any prediction.
    """
    check_output(output)
    chosen = chosen_device(device)
    inputs = read_inputs(source, path_column=path_column, root=root)
    if inputs.account is not None:
        log.info("%s: %s", shown_name(str(source)), inputs.account.sentence())
    threads = threads or usable_cpus()
    torch.set_num_threads(threads)
    predictor = load_predictor(run, chosen)
    parts = _parts_of(output, inputs, predictor, part_rows)
    with parts.claimed(overwrite=overwrite):
        kept = len(inputs)
        if not parts.is_complete():
            kept = _complete(parts, inputs, predictor, batch_size, threads)
        return predicted(parts, kept_rows=kept)


def _parts_of(output: Path, inputs: Inputs, predictor: Predictor, part_rows: int) -> Parts:
    """Return the parts of predictions, which hold for this model, input and size alone."""
    depends_on = {
        "model": predictor.fingerprint,
        "input": inputs.fingerprint(),
        "--part-rows": str(part_rows),
    }
    return Parts(output, len(inputs), part_rows, depends_on)


def _complete(
    parts: Parts, inputs: Inputs, predictor: Predictor, batch_size: int, threads: int
) -> int:
    """Write the parts that are missing, join all, and return how many rows were there already."""
    with quiet_about_size(), ThreadPoolExecutor(threads) as pool:
        kept = _write_parts(parts, inputs, predictor, batch_size, pool)
    parts.join(prediction_schema(predictor.class_names))
    return kept


def predicted(parts: Parts, *, kept_rows: int) -> Predicted:
    """Return how a prediction ended whose parts are joined."""
    errors, first = parts.errors_in_output(), parts.first_error_in_output()
    return Predicted(parts.output, parts.rows, errors, kept_rows, first)


def chosen_device(asked: str) -> str:
    """Return the device that `--device` names.

    Raises:
        TlxError: Where this machine has none of the name.
    """
    devices = available_devices()
    if asked == "auto":
        return devices[0]
    if asked not in devices:
        raise TlxError(f"--device {asked}: this machine has {', '.join(devices)}.")
    return asked


def _write_parts(
    parts: Parts, inputs: Inputs, predictor: Predictor, batch_size: int, pool: ThreadPoolExecutor
) -> int:
    """Write the parts that are missing, and return how many rows were there already."""
    missing = [index for index in range(len(parts)) if not parts.has(index)]
    waiting = sum(len(parts.range_of(index)) for index in missing)
    with counted(waiting, "predicting") as advance:
        for index in missing:
            rows = parts.range_of(index)
            names = [inputs.names[row] for row in rows]
            predictions = Predictions(rows.start, names, predictor.class_names)
            _predict(predictions, inputs, predictor, batch_size, pool, advance)
            parts.write(index, predictions.table())
    return len(inputs) - waiting


def _predict(
    predictions: Predictions,
    inputs: Inputs,
    predictor: Predictor,
    batch_size: int,
    pool: ThreadPoolExecutor,
    advance: Callable[[int], None],
) -> None:
    """Fill in the predictions of one part, a batch at a time."""
    read = partial(_read, inputs=inputs, predictor=predictor)
    arriving = enumerate(_ahead(pool, read, predictions.names, BATCHES_AHEAD * batch_size))
    while batch := list(islice(arriving, batch_size)):
        places, images = [], []
        for place, image in batch:
            if isinstance(image, str):
                predictions.errors[place] = image
                continue
            places.append(place)
            images.append(image)
        if images:
            predictions.fill(places, predictor.predictions(torch.stack(images)).numpy())
        advance(len(batch))


def _read(name: str | None, *, inputs: Inputs, predictor: Predictor) -> Tensor | str:
    """Return the network's input for a row, or why there is none."""
    try:
        return predictor.read(locate(name, inputs.root, confined=inputs.confined))
    except ImageFileError as error:
        return str(error)


def _ahead(
    pool: ThreadPoolExecutor,
    work: Callable[[str | None], Tensor | str],
    names: Sequence[str | None],
    most: int,
) -> Iterator[Tensor | str]:
    """Yield the results of work in order, while the pool is some names ahead, and no more."""
    pending: deque[Future[Tensor | str]] = deque()
    remaining: Iterable[str | None] = iter(names)
    try:
        for name in remaining:
            pending.append(pool.submit(work, name))
            if len(pending) >= most:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
