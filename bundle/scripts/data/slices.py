"""Choose the slices of a volume to train on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.data import MetaTensor

from .errors import BadInputError

CRITERIA = ("auto", "tumour", "brain")

TUMOUR_LABELS = (1, 2)
"""Labels that mean "necrotic core, non-enhancing tumour and oedema" when all are present.

Every public data set combines necrotic core and non-enhancing tumour in one label, so two labels suffice:

- BraTS 2017-2021: 1 necrotic and non-enhancing core, 2 oedema (4 enhancing);
- BraTS 2023 and later: 1 necrotic or non-enhancing core, 2 oedema (3 enhancing, 4 cavity);
- Decathlon Task01: 1 oedema, 2 necrotic and non-enhancing core (3 enhancing).

The paper does not require enhancing tumour. Give `labels` for other data sets: (1, 2, 3) for BraTS 2012-2016, where 1
is necrosis, 2 oedema and 3 non-enhancing tumour.
"""


def brain_mask(image: torch.Tensor) -> torch.Tensor:
    """Return the voxels that show anatomy in any source.

    Skull-stripped volumes have one background value per source. It is read from the volume's corners if all eight agree
    (so that negative background works); otherwise all values up to 0 are background.

    Args:
        image: sources [N, X, Y, Z].

    Returns:
        bool [1, X, Y, Z].
    """
    if isinstance(image, MetaTensor):
        image = image.as_tensor()
    mask = torch.zeros(image.shape[1:], dtype=torch.bool, device=image.device)
    for volume in image:
        corners = volume[:: max(volume.shape[0] - 1, 1)]
        corners = corners[:, :: max(volume.shape[1] - 1, 1)]
        corners = corners[:, :, :: max(volume.shape[2] - 1, 1)]
        background = corners.flatten()[0]
        mask |= volume != background if bool((corners == background).all()) else volume > 0
    return mask[None]


def choose_slices(
    image: torch.Tensor,
    seg: torch.Tensor | None,
    axis: int,
    criterion: str = "auto",
    min_brain_fraction: float = 0.1,
    labels: Sequence[int] | None = None,
) -> list[int]:
    """Choose slices by tumour or by brain area.

    Args:
        image: sources [N, X, Y, Z].
        seg: segmentation [1, X, Y, Z], or None.
        axis: spatial axis along which the slices are taken.
        criterion: "tumour": slices that hold all `labels`, as in the paper; "brain": slices with
            enough brain; "auto", the default: "tumour" where the segmentation holds all `labels`
            somewhere, else "brain" (no segmentation, or a lesion mask with one label).
        min_brain_fraction: share of a slice's area that brain must exceed. Defaults to 0.1.
        labels: labels that must all be present. Defaults to `TUMOUR_LABELS`.

    Returns:
        slice numbers, ascending; may be empty.

    Raises:
        BadInputError: the criterion is unknown, or "tumour" without a segmentation.
    """
    if criterion not in CRITERIA:
        raise BadInputError(f'the criterion is "{criterion}", expected one of {list(CRITERIA)}.')
    across = tuple(dim for dim in (1, 2, 3) if dim != axis + 1)
    if criterion != "brain" and seg is not None:
        plain = seg.as_tensor() if isinstance(seg, MetaTensor) else seg
        present = torch.stack(
            [
                (plain == label).any(dim=across[1]).any(dim=across[0])[0]
                for label in (TUMOUR_LABELS if labels is None else labels)
            ]
        )
        if criterion == "tumour" or bool(present.any(dim=1).all()):
            return present.all(dim=0).nonzero().flatten().tolist()
    elif criterion == "tumour":
        raise BadInputError(
            'the criterion is "tumour", but the patient has no segmentation. Add the patient\'s _seg '
            'file, or use the criterion "auto" or "brain".'
        )
    fraction = brain_mask(image).float().mean(dim=across)[0]
    return (fraction > min_brain_fraction).nonzero().flatten().tolist()
