"""Which names a notebook's cells define and use, read from their code without running it.

What works only in the order in which it happened to be run is found here: a name that is used above the cell that
defines it, also through the functions that are called on the way.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}
# Names that IPython puts into every notebook.
GIVEN = set(dir(builtins)) | {"display", "get_ipython", "In", "Out", "exit", "quit", "_", "__", "___", "__name__"}
# What defines names in a way that cannot be read from the code.
OPAQUE = re.compile(r"import \*|\bexec\(|globals\(\)|run_cell_magic|run_line_magic\('(run|pylab|load|store)|\bvars\(\)")


@dataclass(frozen=True)
class Names:
    """What one cell does with names.

    bound: what it defines at its top level
    imported: what of that it imports
    used: what it needs when it runs
    functions: what each of its functions needs when it is called
    opaque: whether it may define more than can be read from it
    """

    bound: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    functions: dict[str, frozenset[str]] = field(default_factory=dict)
    opaque: bool = False


@dataclass(frozen=True)
class Need:
    """A name that a cell needs before any cell above it defines it: `user` and `definer` are places in the list.

    `definer` is None where no cell defines it.
    """

    name: str
    user: int
    definer: int | None


def parse(source: str) -> ast.Module | None:
    """The syntax tree of a cell, its magics and `!` commands turned into calls first; None where it is no Python."""
    code = plain_code(source)
    try:
        return None if code is None else ast.parse(code)
    except (RecursionError, MemoryError):
        return None


def plain_code(source: str) -> str | None:
    """A cell's text as plain Python; None where it is none."""
    if is_python(source):
        return source
    from IPython.core.inputtransformer2 import TransformerManager  # slow to import, and few cells need it

    try:
        code = TransformerManager().transform_cell(source)
    except Exception:  # it raises what it likes on half-written cells
        return None
    return code if is_python(code) else None


@lru_cache(maxsize=1000)
def names_of(source: str) -> Names:
    """The names of a cell's code; opaque where it cannot be read."""
    code = plain_code(source)
    if code is None:
        return Names(opaque=True)
    try:
        return _names_in(code)
    except (RecursionError, MemoryError):  # functions in functions, hundreds deep, which Python itself can run
        return Names(opaque=True)


def _names_in(code: str) -> Names:
    """The names of plain Python."""
    top = symtable.symtable(code, "<cell>", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    imported = {s.get_name() for s in top.get_symbols() if s.is_imported()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    functions = {}
    for child in top.get_children():
        if child.get_name() in COMPREHENSIONS:
            used |= _globals_of(child)
        else:
            functions[child.get_name()] = frozenset(_globals_of(child))
        if child.get_type() == "class":  # its body runs at once, its methods later
            used |= _own_globals(child)
    bound |= _declared_global(top)
    used -= _guarded(ast.parse(code))
    return Names(frozenset(bound), frozenset(imported), frozenset(used), functions, bool(OPAQUE.search(code)))


def needs(cells: Sequence[Names], extra: dict[int, set[str]] | None = None) -> list[Need]:
    """What the cells, run from the top, use before it is defined. `extra` names more that the cell of a place uses.

    Nothing is said of what comes below a cell that may define anything.
    """
    found = []
    for place, cell in enumerate(cells):
        wanted = _wanted(cells, place, set(cell.used) | (extra or {}).get(place, set()))
        above = set().union(*(other.bound for other in cells[: place + 1]))
        if any(other.opaque for other in cells[: place + 1]):
            break
        for name in sorted(wanted - above - GIVEN):
            later = [i for i, other in enumerate(cells) if i > place and name in other.bound]
            found.append(Need(name, place, later[0] if later else None))
    return found


def spared(cells: Sequence[Names], own: Sequence[bool]) -> set[int]:
    """The places of the cells, none of them a learner's `own`, that nothing of a learner's depends on.

    A cell is needed where it defines or uses a name that a learner's cell, or another one that is needed, uses: by
    using an array it may change it. What is imported does not change.
    """
    if any(cell.opaque for cell in cells):
        return set()
    needed = {place for place, mine in enumerate(own) if mine}
    while True:
        wanted = set().union(*(_all_names(cells[place]) for place in needed))
        changing = wanted - set().union(*(cell.imported for cell in cells))
        more = {i for i, cell in enumerate(cells) if cell.bound & wanted or _all_names(cell) & changing} - needed
        if not more:
            return set(range(len(cells))) - needed
        needed |= more


def _all_names(cell: Names) -> set[str]:
    """The names that a cell uses when it runs, or when one of its functions does, and that are not always there."""
    return set(cell.used).union(*cell.functions.values()) - GIVEN


def _wanted(cells: Sequence[Names], place: int, names: set[str]) -> set[str]:
    """The names, and what the functions among them need in turn, as they are defined when the cell of a place runs."""
    functions = {}
    for cell in cells[: place + 1]:
        functions = {name: body for name, body in functions.items() if name not in cell.bound} | cell.functions
    wanted, new = set(), set(names)
    while new:
        wanted |= new
        new = set().union(*(functions.get(name, ()) for name in new)) - wanted
    return wanted


def is_python(source: str) -> bool:
    """Whether a cell's text is Python as it stands, without magics."""
    try:
        compile(source, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
        symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _globals_of(table: symtable.SymbolTable) -> set[str]:
    """The global names that a function, a class or a comprehension uses, with all that stands in it."""
    return _own_globals(table).union(*(_globals_of(child) for child in table.get_children()))


def _own_globals(table: symtable.SymbolTable) -> set[str]:
    return {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}


def _declared_global(table: symtable.SymbolTable) -> set[str]:
    """Names that a function below defines with `global`: perhaps only when called, but that is a closer look's work."""
    found = set()
    for child in table.get_children():
        found |= {s.get_name() for s in child.get_symbols() if s.is_declared_global() and s.is_assigned()}
        found |= _declared_global(child)
    return found


def _guarded(tree: ast.Module) -> set[str]:
    """Names that are used inside a `try`: whoever wrote it expects that something may be missing."""
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    return {name.id for node in tries for name in ast.walk(node) if isinstance(name, ast.Name)}
