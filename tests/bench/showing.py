"""Group 9: what would do harm where it is shown: in feedback, in the report, in a spreadsheet, in a terminal."""

import json

from bench import Draft, case

SCRIPT = "<script>alert(1)</script>"


@case(lost=("recall", "precision"), says=(SCRIPT,))
def script_in_messages(draft: Draft):
    """HTML in results, in messages, and as the name of an exception's class."""
    draft.write("precision", f"def precision(tp, fp):\n    return '{SCRIPT}'")
    draft.write(
        "recall",
        f"def recall(tp, fn):\n    raise type('{SCRIPT}', (Exception,), {{}})('<img src=x onerror=alert(1)>')",
    )


@case()
def script_in_outputs(draft: Draft):
    """HTML and JavaScript in saved outputs and in markdown, beside right functions."""
    html = {"output_type": "display_data", "data": {"text/html": SCRIPT, "application/javascript": "alert(1)"}}
    draft.cell("recall")["outputs"] = [html | {"metadata": {}}]
    draft.last(f"{SCRIPT} [x](javascript:alert(1)) <img src=x onerror=alert(1)>", kind="markdown")
    return json.dumps(draft.notebook).encode()


@case(student="=cmd|' C'!A0")
def formula_as_a_name(draft: Draft):
    """A learner's name that a spreadsheet takes for a command."""


@case(student='Müller, "Jo" & Söhne\'; DROP TABLE student;--')
def commas_and_quotes_in_a_name(draft: Draft):
    """Commas, quotes, SQL and an ampersand in a learner's name."""


@case(student=f"{SCRIPT.replace('/', '∕')}")
def script_as_a_name(draft: Draft):
    """HTML as a learner's name."""


@case(student="line\nbreak\r\tand\x1b[31mcolour\x07")
def control_characters_in_a_name(draft: Draft):
    """Line breaks and a terminal's commands in a learner's name."""


@case(student="\u202egnp.reversed\u200b名前🩻")
def text_turned_round_in_a_name(draft: Draft):
    """Text from right to left, invisible characters and an emoji in a learner's name."""


@case(student="-rf --help %s {0} $(touch x) `id` *")
def options_as_a_name(draft: Draft):
    """A learner's name that a shell takes for options and commands."""


@case(student="n" * 255)
def longest_name(draft: Draft):
    """A learner's name as long as a file's name can be."""


@case(student="\udcff" * 120)
def name_that_is_no_text(draft: Draft):
    """A folder's name that is no UTF-8, and four times as long when it is written so that it can be read."""


@case(lost=("recall",), says=("half a character",))
def half_characters_in_results(draft: Draft):
    """Half a character in a result, in an exception's text, in its class's name."""
    draft.write("recall", "def recall(tp, fn):\n    return '\\ud800'")
    draft.last("raise type('Half\\ud800', (Exception,), {})('\\udfff \\x00 \\x1b[31m')")


@case(lost=("recall",))
def message_without_end(draft: Draft):
    """An exception's text of 50 MB, full of HTML."""
    draft.write("recall", f"def recall(tp, fn):\n    raise TypeError('{SCRIPT}' * 2_000_000)")
