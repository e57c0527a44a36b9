"""Runs the notebooks of examples/notebooks from their beginnings and writes them back with their outputs.

    PYTHONPATH=build/python python tools/notebooks.py [--check] [NOTEBOOK …]

--check: nothing is written; a cell that fails is an error. Needs nbclient, ipykernel and what the notebooks import."""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[1]


def join_streams(outputs):
    """What a cell prints piece by piece, as one text; warnings of other packages left out."""
    joined = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        elif output.get("name") != "stderr":
            joined.append(output)
    return joined


def run(path, cell_seconds=600):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    NotebookClient(notebook, timeout=cell_seconds, startup_timeout=cell_seconds, kernel_name="python3", record_timing=False,
                   resources={"metadata": {"path": str(path.parent)}}).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = join_streams(cell.outputs)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return notebook


def main(arguments):
    check = "--check" in arguments
    paths = [pathlib.Path(a) for a in arguments if a != "--check"]
    for path in paths or sorted((ROOT / "examples/notebooks").glob("*.ipynb")):
        notebook = run(path)
        if not check:
            nbformat.write(notebook, path)
        print(path.name, "done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
