"""The guide's snippets, as they are written there, and what is said of the package."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
import tidegate
from tidegate import AsyncClient, Client, views

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/python.md").read_text()
CHAPTERS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE, re.M | re.S))
SNIPPETS = {
    title: re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    for title, text in CHAPTERS.items()
}


def test_the_guide_has_its_chapters() -> None:
    assert sum(map(len, SNIPPETS.values())) == GUIDE.count("```python") >= 15


def test_every_snippet_runs(
    socket: str, files: views.SourcesView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # the guide's daemon listens at the usual place
    for client in (Client, AsyncClient):
        monkeypatch.setattr(client.__init__, "__defaults__", (socket, 5.0))
    said: dict[str, object] = {}
    for title, snippets in SNIPPETS.items():
        for number, snippet in enumerate(snippets, 1):
            exec(compile(snippet, f"{title}, snippet {number}", "exec"), said)
    assert (tmp_path / "one.pcapng").stat().st_size > 200
    # what it adds it takes away again
    assert Client(socket).sources().circuits == files.circuits


def test_the_package_says_its_version_and_licence() -> None:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    told = metadata("tidegate")
    assert told["Version"] == tidegate.__version__ == workspace["version"]
    assert told["License-Expression"] == workspace["license"]
    assert (Path(tidegate.__file__).parent / "py.typed").exists()


def test_all_that_is_public_is_documented() -> None:
    for name in tidegate.__all__:
        made = getattr(tidegate, name)
        if isinstance(made, type):
            assert made.__doc__, name
            for part, value in vars(made).items():
                if callable(value) and not part.startswith("_"):
                    assert value.__doc__, f"{name}.{part}"
