"""Check the values of options before patients are read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pydoc import locate
from typing import Any

from monai.bundle import ConfigParser

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true

from .references import UsedIds

CHOICES: dict[str, tuple[str, ...]] = {
    "compression": ("scripts.dicom.derived.COMPRESSIONS",),
    "decomposed_units": ("scripts.transforms.load_image_set.UNITS",),
    "fused_dtype": ("scripts.cases.fuse.DTYPES",),
    "judged": ("scripts.report.cohort_pdf.KINDS",),
    "latent": ("scripts.flow.latent.LATENT_KINDS",),
    "latent_kernel": ("scripts.losses.mmd.KERNELS",),
    "metrics_variant": ("scripts.evaluation.evaluate.METRICS_VARIANTS",),
    "normalisation": ("scripts.transforms.normalize.MODES", "scripts.transforms.load_image_set.NORMALISATIONS"),
    "patient_names": ("scripts.dicom.find_studies.PATIENT_NAMES",),
    "precision": ("scripts.inferers.training_precision.PRECISIONS",),
    "register": ("scripts.registration.align.REGISTER",),
    "runtime": ("scripts.runtimes.RUNTIMES",),
    "slice_criterion": ("scripts.data.slices.CRITERIA",),
}
"""Where the values of an option are declared; of several places, the one that contains the config's value is used."""

OR_FLAG = {"skull_stripping": "auto"}
"""Options that are true, false, or this word."""

OR_NUMBER = {"slices_at_once": "auto"}
"""Options that are a number, or this word where it is the default."""

NEEDS = {
    "fused_dtype": ("lossless", False),
    "typicality_file": ("typicality", True),
    "uncertainty_path": ("uncertainty", True),
}
"""Options that have an effect only if another is true or false."""

NEEDS_VALUE = {
    **dict.fromkeys(("listen_host", "listen_title", "listen_certificate", "listen_key"), "listen_port"),
    **dict.fromkeys(("listen_ca_file", "quiet_seconds", "keep_hours"), "listen_port"),
    **dict.fromkeys(("backlog", "poll_seconds", "settle_seconds"), "orthanc_url"),
    "status_host": "status_port",
}
"""Options that have an effect only if another one has a value."""

PLACES = re.compile(r"(_dir|_file|_path|_by_volume|_3d)$|^(datalist|document|figure|fused|picture|pdf)$")
"""Options whose value is a path."""

USER_IN_URL = re.compile(r"^\w+://[^/@]*:[^/@]*@|^https?://[^/@]+@")
"""A URL that contains a user or a password."""


def check_value(option: str, value: Any, default: Any) -> None:
    """Raise if a value of an option is invalid.

    Args:
        option: id of the option.
        value: the given value.
        default: the value in the layered configs, None if they have none.

    Raises:
        BadInputError: the value is invalid; the message states what is expected. A value that may contain a password is
            not shown.
    """
    if isinstance(value, str) and USER_IN_URL.search(value):
        raise BadInputError(
            f"--{option} contains a user or a password, which would appear in logs. Give --pacs_user, and the password "
            "in the environment variable that --pacs_password_variable names or in --pacs_password_file."
        )
    if isinstance(value, str) and value.startswith(("$", "@", "%")):
        return
    if PLACES.search(option):
        _check_place(option, value)
    elif option in CHOICES:
        _check_choice(option, value, default)
    elif option in OR_FLAG or isinstance(default, bool):
        _check_flag(option, value)
    elif isinstance(default, (int, float)):
        _check_number(option, value)
    elif option in OR_NUMBER:
        _check_number(option, value, OR_NUMBER[option])
    elif isinstance(default, list) and not isinstance(value, (list, tuple)):
        raise BadInputError(f"--{option} is '{value}', expected a list, for instance --{option} \"{_shown(default)}\".")


def check_needed(option: str, parser: ConfigParser, used: UsedIds) -> None:
    """Raise if an option has no effect because of another one.

    Args:
        option: id of the given option.
        parser: the layered configuration with the options.
        used: the ids that the command uses.

    Raises:
        BadInputError: the option has no effect; the message names both.
    """
    other, needed = NEEDS.get(option, (None, None))
    if other is not None and other in used and is_true(parser[other]) is not needed:
        remedy = f"Give --{other} {str(needed).lower()}, or leave out --{option}."
        raise BadInputError(f"--{option} has no effect with --{other} {str(not needed).lower()}. {remedy}")
    other = NEEDS_VALUE.get(option)
    if other is not None and other in used and parser[other] is None:
        raise BadInputError(f"--{option} has no effect without --{other}. Give --{other}, or leave out --{option}.")


def _check_place(option: str, value: Any) -> None:
    if isinstance(value, bool):
        raise BadInputError(f"--{option} has no value. Give a path: --{option} PATH.")
    if isinstance(value, (int, float)):
        raise BadInputError(f"--{option} was read as the number {value}. Write it as a path, such as ./{value}.")


def _check_choice(option: str, value: Any, default: Any) -> None:
    declared = [tuple(locate(place)) for place in CHOICES[option]]  # type: ignore[arg-type]
    known = next((choices for choices in declared if default in choices), declared[-1])
    if str(value).lower() not in (str(choice).lower() for choice in known):
        raise BadInputError(f"--{option} is '{value}', expected one of {_listed(known)}.")


def _check_flag(option: str, value: Any) -> None:
    word = OR_FLAG.get(option)
    if word and str(value).lower() == word:
        return
    try:
        is_true(value)
    except BadInputError as error:
        raise BadInputError(f"--{option} is '{value}', expected {f'{word}, ' if word else ''}true or false.") from error


def _check_number(option: str, value: Any, word: str | None = None) -> None:
    if word is not None and value == word:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInputError(f"--{option} is '{value}', expected {f'{word} or ' if word else ''}a number.")


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def _shown(default: list[Any]) -> str:
    return "[" + ",".join(f"'{one}'" if isinstance(one, str) else str(one) for one in default) + "]"
