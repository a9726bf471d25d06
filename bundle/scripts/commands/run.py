"""Run a request with MONAI."""

from __future__ import annotations

import logging
import os
import sys
import warnings

from scripts.data.progress import first_process
from scripts.data.waiting import Waiting

from .equivalent import monai_command
from .request import Request


def run(request: Request, program: str) -> int:
    """Run a task; its errors end the process as those of MONAI's command do.

    Args:
        request: the task.
        program: how this program was called.

    Returns:
        the exit code.
    """
    # Read when PyTorch is loaded. By default, threads that wait for one another spin for so long that they stop each
    # other on a busy machine; sleeping at once would cost 40 % on a quiet one. This many turns keep both small.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "100000")
    try:
        with Waiting("Loading PyTorch and MONAI", quiet=request.level == "quiet" or not first_process()):
            import monai.bundle

            from .workflow import workflow_of
    except KeyboardInterrupt:
        sys.stderr.write("Stopped by Ctrl-C.\n")
        return 130
    # MONAI's advice on configs of strangers; these are the bundle's, or the user's own.
    warnings.filterwarnings("ignore", "parsing config_file")
    # Said before the config of the log is read, about configs in two folders.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    files = [str(file) for file in request.files]
    monai.bundle.run_workflow(
        workflow_name=workflow_of(request, program, monai_command(request)),
        config_file=files if len(files) > 1 else files[0],
        run_id=request.section,
        **request.options,
    )
    return 0
