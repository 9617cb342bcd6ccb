"""Reads functions of a Buildbot configuration that only compute a value: the ones that a person could write down as one expression.

A function is read from its source and never called. The result is a tree of values as `read_buildbot.py` prints them; anything that
is not understood raises `NotRead`.
"""

import ast
import re

MAX_DEPTH = 25
COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.NotIn: "not in"}
METHODS = {
    "getProperty", "hasProperty", "getBuild", "startswith", "endswith", "lower", "upper", "strip", "split", "replace", "get", "join", "splitlines",
}
trees = {}


class NotRead(Exception):
    pass


def read_function(function, encode):
    """The parameters of a function, and the tree of its value."""
    node = find_node(function)
    arguments = node.args
    if arguments.vararg or arguments.kwonlyargs or arguments.kwarg:
        raise NotRead
    names = [argument.arg for argument in arguments.args]
    defaults = dict(zip(names[len(names) - len(function.__defaults__ or ()) :], function.__defaults__ or ()))
    if names[:1] == ["self"]:
        raise NotRead
    # A default that a loop has bound, as in `lambda step, branch=branch: …`, is a constant.
    names = [name for name in names if name not in defaults]
    reader = Reader(names, {**free_values(function), **defaults}, encode)
    value = reader.read(node.body) if isinstance(node, ast.Lambda) else reader.read_body(node.body, {})
    return {"parameters": names, "value": value}


def find_node(function):
    """The definition in the source. A line may have several lambdas: the one with the same code counts."""
    code = function.__code__
    if code.co_filename not in trees:
        with open(code.co_filename, encoding="utf-8") as stream:
            trees[code.co_filename] = ast.parse(stream.read())
    found = []
    for node in ast.walk(trees[code.co_filename]):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            lines = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
            if code.co_firstlineno in lines:
                found.append(node)
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            compiled = compile(ast.Expression(node), "x", "eval").co_consts
            inner = next(one for one in compiled if hasattr(one, "co_code"))
            if inner.co_consts == code.co_consts and inner.co_names == code.co_names and inner.co_varnames == code.co_varnames:
                found.append(node)
    if not found or any(ast.dump(one) != ast.dump(found[0]) for one in found):
        raise NotRead
    return found[0]


def free_values(function):
    values = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            values[name] = cell.cell_contents
        except ValueError:
            continue
    return values


class Reader:
    def __init__(self, parameters, free, encode):
        self.parameters = set(parameters)
        self.free = free
        self.encode = encode
        self.locals = {}
        self.depth = 0

    def read_body(self, statements, known):
        """A function that is a chain of conditions, with a value at the end of each."""
        if not statements:
            return None
        first, *rest = statements
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return self.read_body(rest, known)
        if isinstance(first, ast.Return):
            return None if first.value is None else self.read(first.value)
        if isinstance(first, ast.Assign) and len(first.targets) == 1 and isinstance(first.targets[0], ast.Name):
            self.locals[first.targets[0].id] = self.read(first.value)
            return self.read_body(rest, known)
        if isinstance(first, ast.If) and ends(first.body):
            test = self.read(first.test)
            then = self.read_body(first.body, known)
            return operation("if", test, then, self.read_body([*first.orelse, *rest], known))
        raise NotRead

    def read(self, node):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotRead
        try:
            method = getattr(self, f"read_{type(node).__name__}", None)
            if method is None:
                raise NotRead
            return method(node)
        finally:
            self.depth -= 1

    def read_Constant(self, node):
        if node.value is not None and not isinstance(node.value, (str, int, float, bool)):
            raise NotRead
        return self.encode(node.value)

    def read_Name(self, node):
        if node.id in self.locals:
            return self.locals[node.id]
        if node.id in self.parameters:
            return {"is": "name", "name": node.id}
        if node.id not in self.free or not is_plain(self.free[node.id]):
            raise NotRead
        return self.encode(self.free[node.id])

    def read_List(self, node):
        return [self.read(item) for item in node.elts]

    read_Tuple = read_List
    read_Set = read_List

    def read_Dict(self, node):
        entries = {}
        for key, value in zip(node.keys, node.values):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise NotRead
            entries[key.value] = self.read(value)
        return {"is": "map", "entries": entries}

    def read_Compare(self, node):
        if len(node.ops) != 1:
            raise NotRead
        left, right, kind = node.left, node.comparators[0], type(node.ops[0])
        is_none = isinstance(right, ast.Constant) and right.value is None
        if is_none and kind in (ast.Is, ast.Eq):
            return operation("is none", self.read(left))
        if is_none and kind in (ast.IsNot, ast.NotEq):
            return operation("not", operation("is none", self.read(left)))
        if kind not in COMPARISONS:
            raise NotRead
        return operation(COMPARISONS[kind], self.read(left), self.read(right))

    def read_BoolOp(self, node):
        name = "and" if isinstance(node.op, ast.And) else "or"
        return operation(name, *(self.read(value) for value in node.values))

    def read_UnaryOp(self, node):
        if isinstance(node.op, ast.Not):
            return operation("not", self.read(node.operand))
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, (int, float)):
            return -node.operand.value
        raise NotRead

    def read_IfExp(self, node):
        return operation("if", self.read(node.test), self.read(node.body), self.read(node.orelse))

    def read_JoinedStr(self, node):
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None or part.conversion != -1:
                    raise NotRead
                parts.append(self.read(part.value))
            else:
                parts.append(self.read(part))
        return operation("text", *parts)

    def read_BinOp(self, node):
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            return self.read_format(node.left.value, node.right)
        if isinstance(node.op, ast.Add):
            left, right = self.read(node.left), self.read(node.right)
            if is_text(left) or is_text(right):
                return operation("text", left, right)
            if isinstance(left, list) and isinstance(right, list):
                return left + right
        raise NotRead

    def read_format(self, text, node):
        values = list(node.elts) if isinstance(node, ast.Tuple) else [node]
        pieces = re.split(r"(%[sd%])", text)
        parts = []
        for piece in pieces:
            if piece in ("%s", "%d"):
                if not values:
                    raise NotRead
                parts.append(self.read(values.pop(0)))
            elif piece == "%%":
                parts.append("%")
            elif "%" in piece:
                raise NotRead
            elif piece:
                parts.append(piece)
        if values:
            raise NotRead
        return operation("text", *parts)

    def read_Attribute(self, node):
        return {"is": "attribute", "of": self.read(node.value), "name": node.attr}

    def read_Subscript(self, node):
        return {"is": "method", "of": self.read(node.value), "name": "[]", "args": [self.read(node.slice)]}

    def read_Call(self, node):
        if node.keywords:
            raise NotRead
        if isinstance(node.func, ast.Name):
            return self.read_builtin(node.func.id, node.args)
        if not isinstance(node.func, ast.Attribute):
            raise NotRead
        name = node.func.attr
        if isinstance(node.func.value, ast.Name) and self.free.get(node.func.value.id) is re:
            if name not in ("match", "search") or len(node.args) != 2:
                raise NotRead
            return operation(f"re.{name}", *(self.read(arg) for arg in node.args))
        if name not in METHODS:
            raise NotRead
        return {"is": "method", "of": self.read(node.func.value), "name": name, "args": [self.read(arg) for arg in node.args]}

    def read_builtin(self, name, args):
        if name in ("any", "all") and len(args) == 1 and isinstance(args[0], (ast.GeneratorExp, ast.ListComp)):
            return self.read_comprehension(name, args[0])
        if name in ("str", "int", "len", "bool") and len(args) == 1 and name not in self.locals:
            return operation(name, self.read(args[0]))
        raise NotRead

    def read_ListComp(self, node):
        return self.read_comprehension("list", node)

    def read_comprehension(self, kind, node):
        if len(node.generators) != 1 or not isinstance(node.generators[0].target, ast.Name):
            raise NotRead
        loop = node.generators[0]
        source = self.read(loop.iter)
        variable = loop.target.id
        was_parameter = variable in self.parameters
        self.parameters.add(variable)
        try:
            conditions = [self.read(condition) for condition in loop.ifs]
            element = self.read(node.elt)
        finally:
            if not was_parameter:
                self.parameters.discard(variable)
        return {"is": "each", "kind": kind, "variable": variable, "of": source, "conditions": conditions, "element": element}


def operation(name, *args):
    return {"is": "operation", "operator": name, "args": list(args)}


def ends(statements):
    """Whether a block always returns."""
    last = statements[-1]
    return isinstance(last, ast.Return) or (isinstance(last, ast.If) and ends(last.body) and bool(last.orelse) and ends(last.orelse))


def is_text(value):
    return isinstance(value, str) or (isinstance(value, dict) and value.get("is") == "operation" and value.get("operator") in ("text", "str"))


def is_plain(value, depth=0):
    if depth > 4:
        return False
    if value is None or isinstance(value, (str, int, float, bool, re.Pattern)):
        return True
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_plain(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item, depth + 1) for key, item in value.items())
    return False
