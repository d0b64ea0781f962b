"""Sphinx builds the pages where they lie, so that their links hold on a forge too: nox -s docs"""

import importlib.metadata

project = "Framegate"
author = project_copyright = "the Framegate team"
release = importlib.metadata.version("framegate")

extensions = ["myst_parser"]
myst_heading_anchors = 3  # a link may name a heading, as on a forge
root_doc = "README"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md"]
html_theme = "furo"
html_title = f"Framegate {release}"

CONTENTS = {
    "Use it": ["gating-an-upgrade", "history", "report", "search", "statistics", "environments", "floors", "gpu"],
    "What it found": ["loops", "exports", "reproducing-the-studies", "programming-effort", "input-pipelines"],
    "Extend it": ["adding-a-model", "adding-a-dataset", "adding-a-framework", "pretrained-weights"],
    "How it works": ["architecture", "protocol", "parity", "harness", "dependencies"],
}


def add_contents(app, page, source):
    """Give the README, which a forge shows without one, the site's table of contents."""
    if page != root_doc:
        return
    for caption, pages in CONTENTS.items():
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(
            f"docs/{name}" for name in pages
        )
        source[0] += "\n```\n"
    source[0] += "\n```{toctree}\n:hidden:\n:caption: The project\n\nCONTRIBUTING\nCHANGELOG\n```\n"


def setup(app):
    app.connect("source-read", add_contents)
