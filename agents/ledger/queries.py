"""Named queries: every SQL statement of the service, by the name it carries in its file.

A file in `schemas/sql/queries/` holds queries one after the other. Each begins with
`-- name: WORD`, followed by comment lines that say which question it answers, then one
statement with `$1, $2, ...`. Nothing here builds SQL out of values.
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

import schemas

SQL_FOLDER: Final = Path(schemas.__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class Queries(dict[str, str]):
    """The statements of one file by name; `queries.NAME` and `queries["NAME"]` are the same."""

    def __getattr__(self, name: str) -> str:
        """The statement called `name`.

        Raises:
            AttributeError: the file has no such query.
        """
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no query is named {name}: there are {', '.join(sorted(self))}") from None


@cache
def load_queries(subject: str) -> Queries:
    """The queries of `schemas/sql/queries/{subject}.sql`.

    Raises:
        ValueError: a name stands twice, or text stands before the first name.
    """
    text = (SQL_FOLDER / "queries" / f"{subject}.sql").read_text(encoding="utf-8")
    before, *parts = _NAME.split(text)
    names, statements = parts[::2], parts[1::2]
    if any(line and not line.startswith("--") for line in before.splitlines()):
        raise ValueError(f"{subject}.sql: SQL stands before the first '-- name:' line")
    if len(set(names)) != len(names):
        raise ValueError(f"{subject}.sql: a query's name stands twice")
    return Queries(zip(names, (statement.strip() for statement in statements), strict=True))
