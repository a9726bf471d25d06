"""Warn when default data are used, and raise if the user's own data were meant."""

from __future__ import annotations

import logging
import os

from monai.bundle import ConfigParser

from scripts import BUNDLE_ROOT
from scripts.data.contrasts import CONTRASTS
from scripts.data.errors import BadInputError

from .call import Call
from .references import UsedIds

DATA = "dataset_dir"
DEFAULTS = {
    "$@bundle_root + '/example'": "the digital phantom in {}/example, which is not a patient",
    "$@bundle_root + '/eval'": "the results in {}/eval, where commands without --output_dir write",
}
"""Values of `dataset_dir` in the bundle's configs, and their descriptions."""
OF_OWN_DATA = (
    *("datalist", "sources", "sources_dir", "split_file", "sidecar", "pattern"),
    *(one.name for one in CONTRASTS if one.in_headers),
    "reference",
)
"""Options that describe the user's own data."""


def check_default_data(call: Call, parser: ConfigParser, used: UsedIds) -> None:
    """Warn that the default data set is used, or raise if options describe other data.

    Args:
        call: the command.
        parser: its layered config files, without its options.
        used: the ids that the command uses.

    Raises:
        BadInputError: an option describes data, but no option gives it.
    """
    default = DEFAULTS.get(str(parser.get(DATA)))
    if default is None or DATA in call.options or DATA not in used:
        return
    data = default.format(BUNDLE_ROOT)
    described = [option for option in OF_OWN_DATA if option in call.options]
    if described:
        raise BadInputError(
            f"--{described[0]} is given without --{DATA}, so {data} would be used. Give the folder of your data: "
            f"--{DATA} DIR."
        )
    if os.environ.get("RANK", "0") == "0":
        logging.getLogger(__name__).warning(f"--{DATA} is not given: using {data}.")
