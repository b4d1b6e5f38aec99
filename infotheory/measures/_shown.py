"""How results are shown in a notebook."""

from __future__ import annotations

import html

__all__ = ["html_table"]


def html_table(rows: dict[str, str]) -> str:
    """Return a table of two columns, a name and a text each row."""
    cells = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
        for name, text in rows.items()
    )
    return f"<table>{cells}</table>"
