"""What the site has beside the pages of `docs/`: texts from elsewhere, files that pages link to, and the verbs.

MkDocs calls the functions `on_…` (`hooks` in mkdocs.yml).
"""

import os
import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from poseflow.cli.verbs import VERBS, load_verb

ROOT = Path(__file__).parents[1]
TEXTS = {
    "README.md": "index.md",
    "config/README.md": "how_to/settings.md",
    "profiles/slurm/README.md": "how_to/slurm.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""Texts that lie where one looks for them in the repository, and their pages."""
VERBS_PAGE = "reference/verbs.md"
LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#\s])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies elsewhere."""
    for source, page in TEXTS.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, VERBS_PAGE, content="\n".join(write_verbs())))
    for page in list(files.documentation_pages()):
        for path in _linked_files(page):
            if not files.get_file_from_path(path):
                source = ROOT / path.removeprefix("files/")
                files.append(File.generated(config, path, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links as the texts have them, between files of the repository, become links between pages."""
    here = os.path.dirname(page.file.src_uri)  # noqa: PTH120 of a page, not of a file
    return LINK.sub(lambda link: os.path.relpath(_place(page.file.src_uri, link[0]), here or "."), markdown)


def _place(page: str, link: str) -> str:
    """Where in the site lies what a page links to; a file that is not of the site's is copied into `files/`."""
    source = next((text for text, place in TEXTS.items() if place == page), f"docs/{page}")
    target = os.path.normpath(Path(source).parent / link)
    if target in TEXTS:
        return TEXTS[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else f"files/{target}"


def _linked_files(page: File) -> Iterator[str]:
    for link in LINK.findall(page.content_string):
        place = _place(page.src_uri, link)
        if place.startswith("files/") and (ROOT / place.removeprefix("files/")).is_file():
            yield place


def write_verbs() -> Iterator[str]:
    """The page of all verbs, from what `poseflow --help` says."""
    yield "# Verbs\n\nEach step of the workflow, and what daily work needs, as a command on files that you name. This"
    yield "is what `poseflow VERB --help` says. `poseflow --verbose VERB …` says more while it works.\n"
    for name in VERBS:
        yield from _write_verb(f"poseflow {name}", load_verb(name))


def _write_verb(name: str, verb: Any) -> Iterator[str]:
    yield f"## {name}\n"
    arguments = [each for each in verb.params if each.param_type_name == "argument"]
    options = [each for each in verb.params if each.param_type_name == "option"]
    words = [_name_argument(each) for each in arguments] + ["[OPTIONS]"] * bool(options)
    yield f"```\n{' '.join([name, *words])}\n```\n\n{cleandoc(verb.help)}\n"
    if verb.params:
        yield "| argument, option | meaning |\n|---|---|"
        yield from (f"| `{_name_argument(each)}` | {_describe(each)} |" for each in arguments)
        yield from (f"| {_name_option(each)} | {_describe(each)} |" for each in options)
        yield ""
    if verb.epilog:
        _, _, settings = verb.epilog.partition("\n\n")
        yield '??? note "Settings that `--set` changes"\n'
        yield "\n".join(f"    {line}" for line in settings.splitlines()) + "\n"


def _name_argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return (name if argument.required else f"[{name}]") + (" …" if argument.nargs == -1 else "")


def _name_option(option: Any) -> str:
    names = [*sorted(option.opts, key=len, reverse=True), *option.secondary_opts]
    return ", ".join(f"`{name}`" for name in names)


def _describe(parameter: Any) -> str:
    """What is said of it, and its default, in a cell of a table."""
    said = (parameter.help or "").replace("|", "\\|")
    if parameter.required:
        return said if parameter.param_type_name == "argument" else f"{said} Required."
    if parameter.default in (None, False, True) or callable(parameter.default):
        return said
    return f"{said} Default: `{parameter.default}`."
