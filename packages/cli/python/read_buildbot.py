"""Prints what a Buildbot configuration says, as one JSON document.

`master import-buildbot` runs it with the Python of the farm, in which Buildbot can be imported. It loads the configuration as a
master does, and starts nothing. What looks like a secret is withheld here, so that it never leaves this process.
"""

import importlib
import inspect
import json
import os
import pkgutil
import re
import sys

# Nothing is written, beside this file or beside those of the farm.
sys.dont_write_bytecode = True

import buildbot_values as values  # noqa: E402
from buildbot_values import calling_place, encode, encode_entries, encode_object, is_buildbots, record_calls, records  # noqa: E402

RULES = (
    "haltOnFailure",
    "flunkOnFailure",
    "flunkOnWarnings",
    "warnOnFailure",
    "warnOnWarnings",
    "alwaysRun",
)

RECORDED = re.compile(
    r"^buildbot\.(steps|schedulers|changes|worker|machine|reporters|secrets|locks$|process\.buildstep|process\.factory"
    r"|www\.(auth|oauth2|authz|ldapuserinfo|avatar)|config\.builder|plugins|util\.service|configurators)"
)


def load_buildbot():
    """Imports the parts of Buildbot that a configuration can name, so that their constructors can be watched."""
    import buildbot

    values.buildbot_directory = os.path.dirname(os.path.abspath(buildbot.__file__)) + os.sep
    for name in ("steps", "schedulers", "changes", "worker", "reporters", "secrets", "www", "configurators", "process", "config"):
        try:
            package = importlib.import_module(f"buildbot.{name}")
        except Exception:
            continue
        for module in pkgutil.walk_packages(getattr(package, "__path__", []), f"buildbot.{name}."):
            try:
                importlib.import_module(module.name)
            except BaseException:
                # A module that needs something which is not installed is not used by this configuration.
                continue
    importlib.import_module("buildbot.locks")
    watched = set()
    for module in list(sys.modules.values()):
        if not RECORDED.match(getattr(module, "__name__", "") or ""):
            continue
        for cls in list(vars(module).values()):
            if (
                isinstance(cls, type)
                and cls not in watched
                and RECORDED.match(cls.__module__ or "")
                and inspect.isfunction(cls.__dict__.get("__init__"))
            ):
                watched.add(cls)
                record_calls(cls)
    return buildbot.version


def encode_step(factory):
    kept = step_places.get(id(factory))
    step = factory.buildStep()
    more = {}
    for name in ("name", "doStepIf", "hideStepIf", "description", "descriptionDone", "locks"):
        own = getattr(type(step), name, None)
        if is_buildbots(next((c for c in type(step).__mro__ if name in vars(c)), object)):
            continue
        if own is not None and not isinstance(own, property) and name not in factory.kwargs:
            more[name] = own
    # A class of the configuration may pass options on in its own constructor; the last word is that of the object.
    result = encode_object(step, 0, more)
    flags = {}
    for rule in RULES:
        flag = getattr(step, rule, None)
        flags[rule] = encode(flag)
    result["rules"] = flags
    if isinstance(getattr(step, "name", None), str):
        result["name"] = step.name
    if kept is not None:
        result["at"] = kept
    else:
        result.pop("at", None)
    return result


step_places = {}


def note_step_places():
    from buildbot.process.buildstep import BuildStep

    original = BuildStep.__new__

    def noting(klass, *args, **kwargs):
        step = original(klass, *args, **kwargs)
        place = calling_place()
        if place is not None:
            step_places[id(step._factory)] = place
            kept_factories.append(step._factory)
        return step

    BuildStep.__new__ = noting


kept_factories = []


def encode_builder(builder):
    names = (
        "name", "workernames", "workerbuilddir", "builddir", "tags", "env", "properties", "defaultProperties", "locks",
        "collapseRequests", "description", "project", "nextWorker", "nextBuild", "canStartBuild",
    )
    result = {name: getattr(builder, name, None) for name in names}
    kept = records.get(id(builder))
    if kept is not None and "do_build_if" in kept[1].arguments:
        result["do_build_if"] = kept[1].arguments["do_build_if"]
    encoded = {"args": encode_entries({name: value for name, value in result.items() if value not in (None, [], {})}, 0)}
    if kept is not None and kept[1].place is not None:
        encoded["at"] = kept[1].place
    factory = builder.factory
    encoded["workdir"] = encode(getattr(factory, "workdir", "build"))
    encoded["steps"] = [encode_step(step) for step in getattr(factory, "steps", [])]
    return encoded


GLOBALS = (
    "title", "titleURL", "buildbotURL", "changeHorizon", "logCompressionMethod", "logEncoding", "logMaxSize", "logMaxTailSize",
    "collapseRequests", "codebaseGenerator", "prioritizeBuilders", "select_next_worker", "multiMaster", "manhole", "protocols",
    "mq", "metrics", "caches", "www", "revlink",
)


def encode_config(config, loaded):
    given = {name: getattr(config, name) for name in GLOBALS if name in loaded}
    if not callable(loaded.get("revlink")):
        given.pop("revlink", None)
    database = getattr(config.db, "db_url", None) if not isinstance(config.db, dict) else config.db.get("db_url")
    properties = {name: item[0] for name, item in config.properties.properties.items()} if "properties" in loaded else {}
    listed = lambda items: [encode_object(item) for item in items]
    return {
        "settings": encode_entries(given, 0),
        "database": encode(database),
        "properties": encode_entries(properties, 0),
        "builders": [encode_builder(builder) for builder in config.builders],
        "schedulers": listed(config.schedulers.values()),
        "changeSources": listed(config.change_sources),
        "workers": listed(config.workers),
        "services": listed(config.services.values()),
        "secretProviders": listed(config.secretsProviders),
        "configurators": listed(loaded.get("configurators") or []),
        "others": [
            {"what": what, "count": len(items)}
            for what, items in (
                ("user managers", config.user_managers),
                ("machines", config.machines),
                ("codebases", getattr(config, "codebases", [])),
            )
            if items
        ],
        "projects": listed(getattr(config, "projects", [])),
    }


def hide_withheld(value):
    """A secret that also stands in another text is withheld there, too."""
    if isinstance(value, str):
        hidden = any(len(secret) >= 8 and secret in value for secret in list(values.withheld_values))
        return values.stand_in("text", value) if hidden else value
    if isinstance(value, list):
        return [hide_withheld(item) for item in value]
    if isinstance(value, dict):
        return {key: hide_withheld(item) if key not in ("is", "class", "base", "module", "at") else item for key, item in value.items()}
    return value


def config_of_buildbot():
    """The module that loads configurations: releases before 3.4 have it elsewhere."""
    try:
        module = importlib.import_module("buildbot.config.master")
        module.ConfigErrors = importlib.import_module("buildbot.config.errors").ConfigErrors
        return module
    except ImportError:
        return importlib.import_module("buildbot.config")


def read(path):
    path = os.path.abspath(path)
    values.basedir = basedir = os.path.dirname(path)
    os.chdir(basedir)
    version = load_buildbot()
    note_step_places()
    config_module = config_of_buildbot()
    errors_class = config_module.ConfigErrors
    original = config_module.loadConfigDict
    loaded = {}

    def keeping(*args, **kwargs):
        answer = original(*args, **kwargs)
        loaded.update(answer[1])
        return answer

    config_module.loadConfigDict = keeping
    try:
        config = config_module.FileLoader(basedir, os.path.basename(path)).loadConfig()
    except errors_class as error:
        return {"errors": [str(one)[:2000] for one in error.errors[:200]]}
    document = {"buildbot": version, "python": sys.version.split()[0], "file": os.path.basename(path)}
    document.update(encode_config(config, loaded))
    return hide_withheld(document)


def main():
    # What the configuration prints must not get into the document.
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        import buildbot.config  # noqa: F401
    except ImportError as error:
        document = {"missing": str(error)}
    else:
        document = read(sys.argv[1])
    with os.fdopen(out, "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=1)
        stream.write("\n")


main()
