"""Phrasing: `{% either %} A {% or %} B {% endeither %}` says a thing in one of several ways.

It must never choose by chance: the word `phrase` counts a client's messages, and the phrasings
take turns, so that one client never reads the same words twice in a row.

Theory of operation: the tag becomes the `if … elif` that somebody could have written by hand,
when the file is read; what is not chosen is not filled in either, and costs nothing.
"""

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


class Either(Extension):
    """The tag; see Jinja's manual, "Extensions"."""

    tags = {"either"}  # noqa: RUF012 - Jinja's protocol

    def parse(self, parser: Parser) -> nodes.Node:
        """The branches as a chain of conditions."""
        line = next(parser.stream).lineno
        ways: list[list[nodes.Node]] = []
        closed = False
        while not closed:
            ways.append(parser.parse_statements(("name:or", "name:endeither")))
            closed = next(parser.stream).value == "endeither"
        chosen = nodes.Mod(nodes.Name("phrase", "load"), nodes.Const(len(ways)))
        choices = [
            nodes.If(nodes.Compare(chosen, [nodes.Operand("eq", nodes.Const(number))]), way, [], [])
            for number, way in enumerate(ways)
        ]
        first, *others = choices
        first.elif_ = others
        return first.set_lineno(line)
