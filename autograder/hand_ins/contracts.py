"""A function's contract with its caller: the signature that the released cell shows, and whether a learner kept it."""

import ast
import copy
import difflib

Function = ast.FunctionDef | ast.AsyncFunctionDef


def definition(tree: ast.Module | None, name: str) -> Function | None:
    """The last top-level `def` of a name in a cell; None where it is not defined so, or is wrapped by a decorator."""
    found = [node for node in _functions(tree) if node.name == name]
    return found[-1] if found and not found[-1].decorator_list else None


def likely(tree: ast.Module, contract: Function) -> str:
    """The name of the function in a cell that was probably meant to be the contract's; empty where there is none."""
    names = [node.name for node in _functions(tree)]
    close = difflib.get_close_matches(contract.name, names, n=1, cutoff=0.6)
    same = [node.name for node in _functions(tree) if not mismatch(node, contract)]
    return (close or same or names or [""])[0]


def mismatch(came: Function, contract: Function) -> str:
    """Why a function cannot be called as the contract says, by place or by name; empty where it can."""
    wanted, given = _positional(contract), _positional(came)
    takes_any = came.args.vararg is not None
    takes_any_name = came.args.kwarg is not None
    for place, argument in enumerate(wanted):
        if place >= len(given) and not (takes_any and (takes_any_name or argument in _names(came))):
            return f"the argument `{argument}` is missing"
        if place < len(given) and given[place] != argument and not (takes_any_name and argument not in given):
            where = "stands elsewhere" if argument in _names(came) else f"is called `{given[place]}`"
            return f"the argument `{argument}` {where}"
    if came.args.posonlyargs and not takes_any_name:
        return f"`{came.args.posonlyargs[0].arg}` cannot be given by its name"
    required = given[len(wanted) : len(given) - len(came.args.defaults)]
    required += [a.arg for a, d in zip(came.args.kwonlyargs, came.args.kw_defaults, strict=True) if d is None]
    if extra := [name for name in required if name not in wanted]:
        return f"the argument `{extra[0]}` is not in the contract and has no default"
    return _default_mismatch(_defaults(came), _defaults(contract), takes_any)


def is_harmless(came: Function, contract: Function) -> bool:
    """Whether a mismatch costs no points: an argument without a default has another name, and is given by its place."""
    came = copy.deepcopy(came)
    required = len(_positional(contract)) - len(contract.args.defaults)
    if len(came.args.posonlyargs) <= required:
        came.args.args, came.args.posonlyargs = came.args.posonlyargs + came.args.args, []
    taken = _names(came)
    for argument, name in zip(came.args.args[:required], _positional(contract), strict=False):
        if name not in taken:
            argument.arg = name
    return not mismatch(came, contract)


def shown(function: Function) -> str:
    """A signature as it is written: `conv2d(image, kernel, stride=1, padding=0)`."""
    return f"{function.name}({ast.unparse(function.args)})"


def _default_mismatch(came: dict, wanted: dict, takes_any: bool) -> str:
    for argument, default in wanted.items():
        if argument not in came:
            if not takes_any:
                return f"`{argument}` has lost its default, {ast.unparse(default)}"
        elif (value := _literal(came[argument])) is not Ellipsis and value != _literal(default):
            return f"the default of `{argument}` is {ast.unparse(came[argument])}, not {ast.unparse(default)}"
    return ""


def _functions(tree: ast.Module | None) -> list[Function]:
    body = tree.body if tree else []
    return [node for node in body if isinstance(node, Function)]


def _positional(function: Function) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


def _names(function: Function) -> list[str]:
    return _positional(function) + [argument.arg for argument in function.args.kwonlyargs]


def _defaults(function: Function) -> dict[str, ast.expr]:
    names, defaults = _positional(function), function.args.defaults
    by_place = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return by_place | {argument.arg: default for argument, default in pairs if default is not None}


def _literal(expression: ast.expr):
    """The value of a literal; Ellipsis where it is none, which is the learner's affair."""
    try:
        return ast.literal_eval(expression)
    except ValueError:
        return Ellipsis
