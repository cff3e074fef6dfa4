"""What happens about image files that cannot be decoded: an error that names them, or a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.plugin_api import CorruptDataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hpo_torch.plugin_api import DataRequest
    from hpo_torch_vision.decoded_images import DecodedImages, ImageFiles

_LISTED = 5


def check_readable(
    files: ImageFiles, images: DecodedImages, request: DataRequest
) -> NDArray[np.bool_]:
    """Return bool [N]: which files can be used.

    Raises:
        CorruptDataError: Some cannot be read, and may not be skipped.
    """
    if images.unreadable:
        shown = ", ".join(
            f"{files.names[each.position]} ({each.reason})" for each in images.unreadable[:_LISTED]
        )
        more = len(images.unreadable) - _LISTED
        listing = f"{shown} and {more} more" if more > 0 else shown
        found = f"{len(images.unreadable)} of {len(files.names)} image files in {files.root}"
        if not request.skip_corrupt:
            raise CorruptDataError(
                f"{found} cannot be read: {listing}. Repair or delete them, or leave them out: "
                "--skip-corrupt (data.skip_corrupt)."
            )
        if request.warn is not None:
            request.warn(f"{found} cannot be read and are left out: {listing}")
    return images.readable()
