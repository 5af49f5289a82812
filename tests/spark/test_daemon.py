"""What Spark's daemon imports before it forks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tlx.spark.numpy_converter import LazyNumpyConverter


def test_import_quietly_printing_module_leaves_stdout_alone(tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text("import os\nprint('noise')\nos.write(1, b'more')\n")
    program = (
        "import sys\n"
        "from tlx.spark.daemon import import_quietly\n"
        "import_quietly('noisy,tlx_no_such_module')\n"
        "print('noisy' in sys.modules, 'hydra' in sys.modules)\n"
    )
    done = _run(program, PYTHONPATH=str(tmp_path))
    assert done.stdout == "True True\n"
    assert "noise" in done.stderr
    assert "more" in done.stderr


def test_lazy_converter_plain_values_do_not_import_pandas() -> None:
    program = (
        "import sys\n"
        "from pyspark.sql.types import NumpyArrayConverter\n"
        "from tlx.spark.numpy_converter import LazyNumpyConverter\n"
        "assert LazyNumpyConverter(NumpyArrayConverter()).can_convert(True) is False\n"
        "print('pandas' in sys.modules)\n"
    )
    assert _run(program).stdout == "False\n"


def test_lazy_converter_array_is_asked_of_the_converter() -> None:
    class Own:
        def can_convert(self, value: object) -> bool:
            return True

    assert LazyNumpyConverter(Own()).can_convert(np.zeros(2))
    assert not LazyNumpyConverter(Own()).can_convert([0.0])


def _run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    env = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env)
