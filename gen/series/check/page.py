# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Parses reStructuredText from stdin as far as docutils knows it, and prints what
# docutils finds wrong: line, severity, text. Directives and roles of Sphinx are
# not checked.

import sys

import docutils.core
import docutils.nodes
import docutils.parsers.rst
from docutils.parsers.rst import directives, roles


class Any(docutils.parsers.rst.Directive):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    class option_spec(dict):
        def __getitem__(self, name):
            return directives.unchanged

    option_spec = option_spec()

    def run(self):
        return []


def any_role(name, rawtext, text, lineno, inliner, options=None, content=None):
    return [docutils.nodes.literal(rawtext, text)], []


directive, role = directives.directive, roles.role


def find_directive(name, language, document):
    found, messages = directive(name, language, document)
    if found is None or name in ("include", "raw", "code", "code-block", "figure", "image", "csv-table"):
        return Any, []
    return found, messages


def find_role(name, language, lineno, reporter):
    found, messages = role(name, language, lineno, reporter)
    return (found, messages) if found else (any_role, [])


directives.directive, roles.role = find_directive, find_role
text = sys.stdin.buffer.read().decode("utf-8", "replace")
document = docutils.core.publish_doctree(text, settings_overrides={
    "report_level": 5, "halt_level": 6, "file_insertion_enabled": False, "raw_enabled": False,
    "input_encoding": "unicode",
})
seen = list(document.parse_messages)
seen += document.findall(docutils.nodes.system_message) if hasattr(document, "findall") \
    else document.traverse(docutils.nodes.system_message)
done = set()
for message in seen:
    said = message.astext()
    # Sphinx finds targets in other pages.
    if message["level"] < 2 or id(message) in done or "Unknown target name" in said:
        continue
    done.add(id(message))
    first = said.split("\n")[0].split(") ", 1)[-1]
    print("%s:%s:%s" % (message.get("line", 0), message["type"].lower(), first))
