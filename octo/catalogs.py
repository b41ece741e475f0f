"""Find the sentences of the code for the catalogs: those marked, and docstrings that are shown.

The document of the API says what an operation does by the docstring of its view, and what a
refusal means by that of its error: one text for who reads the code, the document and the page.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from babel.messages.extract import extract_python


def extract(
    file: BinaryIO,
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Any,
) -> Iterator[Any]:
    """Yield what Babel finds in a Python file, and the docstrings that people are shown."""
    yield from extract_python(file, keywords, comment_tags, options)
    file.seek(0)
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.FunctionDef) and _is_operation(node):
            for paragraph in _paragraphs_of(node):
                yield node.lineno, None, paragraph, []
        elif isinstance(node, ast.ClassDef) and _is_refusal(node):
            yield node.lineno, None, _paragraphs_of(node)[0], []


def _is_operation(view: ast.FunctionDef) -> bool:
    """Tell whether this is a view of the API: it says what it answers with."""
    return any(
        isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr in {"response", "paged"}
        for one in view.decorator_list
    )


def _is_refusal(error: ast.ClassDef) -> bool:
    """Tell whether this is an error with a stable code of its own."""
    return error.name.endswith("Error") and any(
        isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code"
        for line in error.body
    )


def _paragraphs_of(node: ast.FunctionDef | ast.ClassDef) -> list[str]:
    text = ast.get_docstring(node) or ""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
