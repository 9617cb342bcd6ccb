"""Values of a Buildbot configuration as JSON, without what looks like a secret; and what constructors were called with."""

import inspect
import os
import re
import sys

from read_function import read_function

SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|passwd|password|secret|token|credential|private_?key|api_?key|userpass|^authorization$|cookie",
    re.I,
)
URL_WITH_PASSWORD = re.compile(r"\w+://[^/\s:@]*:(?!%\()[^@/\s]+@")
MAX_DEPTH = 30
MAX_TEXT = 100_000
MAX_ITEMS = 20_000

basedir = os.getcwd()
this_directory = os.path.dirname(os.path.abspath(__file__)) + os.sep
buildbot_directory = ""
records = {}
withheld_values = {}


class Call:
    """One constructor of Buildbot's own that has been called, with its arguments by name."""

    def __init__(self, cls, arguments, place):
        self.cls = cls
        self.arguments = arguments
        self.place = place


def place_of(filename, line):
    path = os.path.abspath(filename)
    packages = f"{os.sep}site-packages{os.sep}"
    if packages in path:
        return f"{path.split(packages)[-1]}:{line}"
    short = os.path.relpath(path, basedir)
    return f"{path if short.startswith('..') else short}:{line}"


def calling_place():
    """File and line of the configuration that is running: the innermost frame outside of Buildbot and Twisted."""
    frame = sys._getframe(2)
    while frame is not None:
        filename = frame.f_code.co_filename
        path = os.path.abspath(filename)
        foreign = (
            filename.startswith("<")
            or path.startswith(this_directory)
            or path.startswith(buildbot_directory)
            or f"{os.sep}site-packages{os.sep}" in path
            or f"{os.sep}lib{os.sep}python3" in path
        )
        if not foreign:
            return place_of(filename, frame.f_lineno)
        frame = frame.f_back
    return None


def bind(function, args, kwargs):
    """The arguments of a call by their names; positional ones without a name are under "*"."""
    try:
        bound = inspect.signature(function).bind_partial(None, *args, **kwargs)
    except (TypeError, ValueError):
        return {"*": list(args), **kwargs}
    parameters = inspect.signature(function).parameters
    arguments = {}
    for index, (name, value) in enumerate(bound.arguments.items()):
        kind = parameters[name].kind
        if index == 0 and kind is not inspect.Parameter.VAR_POSITIONAL:
            continue
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            rest = list(value)[1:] if index == 0 else list(value)
            if rest:
                arguments["*"] = rest
        else:
            arguments[name] = value
    return arguments


def record_calls(cls):
    """Makes the constructor of a class note its arguments, and where the configuration called it."""
    original = cls.__dict__["__init__"]

    def noting(self, *args, **kwargs):
        calls = records.get(id(self))
        outermost = calls is None or calls[0] is not self
        if outermost:
            arguments = bind(original, args, kwargs)
            if "*" in arguments and hasattr(cls, "checkConfig"):
                arguments = bind(type(self).checkConfig, args, kwargs)
            records[id(self)] = (self, Call(cls, arguments, calling_place()))
        original(self, *args, **kwargs)

    noting.__wrapped__ = original
    cls.__init__ = noting


def is_buildbots(cls):
    return cls.__module__ == "buildbot" or cls.__module__.startswith("buildbot.")


def base_of(cls):
    """The nearest class of Buildbot's own; the class itself, if there is none."""
    return next((one for one in cls.__mro__ if is_buildbots(one)), cls)


def own_methods(cls):
    """What a class of the configuration does in its own way."""
    names = []
    for one in cls.__mro__:
        if is_buildbots(one) or one is object:
            break
        names += [name for name, value in vars(one).items() if inspect.isfunction(value) and not name.startswith("__")]
    return sorted(set(names))[:20]


def own_attributes(cls):
    """Values that a class of the configuration sets for all of its objects."""
    found = {}
    for one in reversed(cls.__mro__):
        if is_buildbots(one) or one is object:
            continue
        for name, value in vars(one).items():
            if name.startswith("_") or callable(value) or isinstance(value, (classmethod, staticmethod, property)):
                continue
            found[name] = value
    return {name: value for name, value in found.items() if name not in ("renderables", "compare_attrs", "parms", "service_name")}


def stand_in(name, value):
    """What is written in the place of a secret; the same number is the same secret."""
    return {"is": "withheld", "name": name, "id": withheld_values.setdefault(value, len(withheld_values))}


def withhold(value, name):
    """Stands for a secret. Names of users stay: the first of a pair, the keys of a dictionary."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return stand_in(name, value)
    if isinstance(value, dict):
        return {"is": "map", "entries": {str(key): withhold(item, f"{name} of {key}") for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and all(isinstance(item, (str, bytes)) for item in value):
            return [encode(value[0]), withhold(value[1], name)]
        return [withhold(item, name) for item in value]
    return encode(value)


def encode_text(value):
    if URL_WITH_PASSWORD.search(value):
        return stand_in("url", value)
    return value[:MAX_TEXT]


def encode_function(function):
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    function = getattr(function, "func", function)
    code = getattr(function, "__code__", None)
    result = {"is": "function", "name": getattr(function, "__qualname__", type(function).__name__)}
    if code is not None:
        result["at"] = place_of(code.co_filename, code.co_firstlineno)
        try:
            result["reads"] = read_function(function, encode)
        except Exception:
            # It is more than an expression: only its place is known.
            pass
    return result


def encode_renderable(value, depth):
    """Buildbot's own values that follow from a build; undefined for others."""
    kind = type(value).__name__
    inner = lambda item: encode(item, depth + 1)
    if kind == "Interpolate":
        kwargs = {str(key): inner(item) for key, item in value.kwargs.items()}
        return {"is": "interpolate", "text": encode_text(value.fmtstring), "args": [inner(a) for a in value.args], "kwargs": kwargs}
    if kind == "WithProperties":
        subs = {str(key): inner(item) for key, item in getattr(value, "lambda_subs", {}).items()}
        return {"is": "with-properties", "text": encode_text(value.fmtstring), "args": [inner(a) for a in value.args], "kwargs": subs}
    if kind == "Property":
        default = {} if value.default is None else {"default": inner(value.default)}
        return {"is": "property", "name": value.key, "whenFalse": bool(value.defaultWhenFalse), **default}
    if kind in ("Secret", "_SecretRenderer"):
        return {"is": "secret", "name": value.secret_name}
    if kind == "_OperatorRenderer":
        operator = re.search(r"[=!<>]=?|in|and|or|[+*/%-]|//", value.cstr.replace("%r", "").replace("{}", ""))
        return {"is": "compare", "operator": operator.group(0) if operator else "?", "left": inner(value.v1), "right": inner(value.v2)}
    if kind == "FlattenList":
        return {"is": "flatten", "value": inner(value.nestedlist)}
    if kind == "_Renderer":
        return encode_function(value.fn)
    if kind == "Transform":
        function = value._function
        name = getattr(function, "__qualname__", type(function).__name__)
        args = [inner(a) for a in value._args]
        return {"is": "transform", "name": name, "function": encode_function(function), "args": args}
    return None


def encode(value, depth=0, secret=None):
    if secret is not None:
        return withhold(value, secret) if not is_object(value) else encode(value, depth)
    if depth > MAX_DEPTH:
        return {"is": "unknown", "class": type(value).__name__}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, bytes):
        return encode_text(value.decode("utf-8", "replace"))
    if isinstance(value, str):
        return encode_text(value)
    if isinstance(value, dict) or type(value).__name__ == "mappingproxy":
        return {"is": "map", "entries": encode_entries(value, depth)}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
        return [encode(item, depth + 1) for item in items[:MAX_ITEMS]]
    if type(value).__name__ == "timedelta":
        return value.total_seconds()
    if isinstance(value, re.Pattern):
        return {"is": "pattern", "source": value.pattern, "flags": "i" if value.flags & re.I else ""}
    renderable = encode_renderable(value, depth)
    if renderable is not None:
        return renderable
    if inspect.isfunction(value) or inspect.ismethod(value) or inspect.isbuiltin(value) or type(value).__name__ == "partial":
        return encode_function(value)
    if isinstance(value, type):
        return {"is": "class", "class": value.__name__}
    if type(value).__name__ == "Properties" and hasattr(value, "properties"):
        return encode({name: item[0] for name, item in value.properties.items()}, depth)
    if type(value).__name__ == "LockAccess":
        return {"is": "lock", "lock": encode(value.lockid, depth + 1), "mode": value.mode, "count": getattr(value, "count", 1)}
    return encode_object(value, depth)


def is_object(value):
    return not isinstance(value, (str, bytes, dict, list, tuple))


def encode_entries(entries, depth):
    """Arguments or a dictionary; those that are named like secrets are withheld."""
    result = {}
    for key, item in list(entries.items())[:MAX_ITEMS]:
        name = key if isinstance(key, str) else str(encode(key) if isinstance(key, bytes) else key)
        result[name] = encode(item, depth + 1, name if SECRET_NAME.search(name) else None)
    return result


def encode_object(value, depth=0, more=None):
    """An object of a class: what its nearest class of Buildbot's own was called with."""
    cls = type(value)
    base = base_of(cls)
    kept = records.get(id(value))
    call = kept[1] if kept is not None and kept[0] is value else None
    arguments = dict(call.arguments) if call is not None else {}
    if cls is not base:
        for name, item in own_attributes(cls).items():
            arguments.setdefault(name, item)
    arguments.update(more or {})
    if "UserPasswordAuth" in base.__name__ and isinstance(arguments.get("users"), dict):
        users = withhold(arguments.pop("users"), "password")
    else:
        users = None
    result = {
        "is": "object" if is_buildbots(base) or call is not None else "unknown",
        "class": cls.__name__,
        "base": base.__name__,
        "module": base.__module__,
        "args": encode_entries(arguments, depth),
    }
    if users is not None:
        result["args"]["users"] = users
    if result["is"] == "unknown":
        return {"is": "unknown", "class": cls.__name__}
    if call is not None and call.place is not None:
        result["at"] = call.place
    if cls is not base:
        result["overrides"] = own_methods(cls)
    return result
