"""`hpo-torch export-model`: a trained model for programs without hpo-torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hpo_torch.cli.console import err, out, print_json
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.predict import RUN_OR_MODEL
from hpo_torch.cli.results import OutputDir, find_run

if TYPE_CHECKING:
    from hpo_torch.inference.export import Exported


def export_model(
    run: Annotated[str, typer.Argument(help=RUN_OR_MODEL)],
    file_format: Annotated[
        Literal["pt2", "onnx", "all"],
        typer.Option("--format", help="pt2 is torch.export's; onnx needs the extra 'onnx'."),
    ] = "all",
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Write model.pt2 and model.onnx beside the model.

    Each file is compared with the checkpoint on examples of the test set before it is written.
    """
    from hpo_torch.inference.export import FORMATS, check_packages
    from hpo_torch.inference.export_beside import export_beside

    formats = list(FORMATS) if file_format == "all" else [file_format]
    check_packages(formats)
    err().print("comparing with the checkpoint takes a moment", style="bright_black")
    exported = export_beside(find_run(run, output_dir), formats)
    if as_json:
        print_json([_record(each) for each in exported])
        return
    for each in exported:
        out().print(str(each.path), soft_wrap=True, markup=False, highlight=False)
        err().print(
            f"{each.path.name}: logits within {each.difference:.1g} of the checkpoint's on "
            f"{each.checked_on}",
            markup=False,
        )


def _record(exported: Exported) -> dict[str, object]:
    return {
        "path": str(exported.path),
        "difference": exported.difference,
        "checked_on": exported.checked_on,
    }
