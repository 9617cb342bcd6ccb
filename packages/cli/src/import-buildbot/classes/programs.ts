import { entriesOf, isSpecial, type Value, type Values } from "../document.ts";
import { matchPattern, patternOf } from "../patterns.ts";
import { differs, dropped, flag, lost, plain, type Rule, same, seconds, text, wishOf } from "../rules.ts";
import type { Scope } from "../scope.ts";
import { type Code, type Entry, literal, object } from "../source-file.ts";
import { translate, translateFunction } from "../values.ts";
import { type ClassMapping, ignored, type Mappings } from "./class-mapping.ts";

const resultNames = ["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"] as const;

/** Results by return code, with their names. */
const decodeRC: Rule = (value) => {
  const codes = Object.entries(entriesOf(value) ?? {});
  return codes.length === 0
    ? []
    : [["decodeRC", object(codes.map(([rc, result]) => [rc, literal(resultNames[Number(result)] ?? "failure")]))]];
};

/** A text, or words; lists in it are part of it. */
const commandOf: Rule = (value, scope, args, name) =>
  text()(isWords(value) ? flatten(value) : value, scope, args, name);

const isWords = (value: Value): boolean => Array.isArray(value) || (isSpecial(value) && value.is === "flatten");

function flatten(value: Value): readonly Value[] {
  if (isSpecial(value) && value.is === "flatten") return flatten(value.value);
  return Array.isArray(value) ? value.flatMap((item: Value) => flatten(item)) : [value];
}

const env: Rule = (value, scope) => {
  const entries = Object.entries(entriesOf(value) ?? {}).map(([key, item]): Entry => {
    if (!Array.isArray(item)) return [key, item === null ? "null" : translate(item, "text", scope, key)];
    const plainTexts = item.every((one) => typeof one === "string");
    if (!plainTexts) scope.todo(`the list of paths ${key} is not translated`, "write it as one text");
    return [key, literal(plainTexts ? item.join(":") : "")];
  });
  return entries.length === 0 ? [] : [["env", object(entries)]];
};

/** A file is a text, or `{ filename, follow }`. */
const logfiles: Rule = (value, scope) => {
  const files = Object.entries(entriesOf(value) ?? {}).map(([name, file]): Entry => {
    const inner = entriesOf(file);
    return [name, inner === undefined ? translate(file, "text", scope, name) : translate(file, "json", scope, name)];
  });
  return files.length === 0 ? [] : [["logfiles", object(files)]];
};

/** Python's `match` looks at the beginning of a line. */
const warningPattern: Rule = (value, scope, _, name) => {
  const source =
    typeof value === "string" ? value : isSpecial(value) && value.is === "pattern" ? value.source : undefined;
  if (source === undefined) return same()(value, scope, {}, name);
  const insensitive = source.startsWith("(?i)");
  return [["warningPattern", matchPattern(insensitive ? source.slice(4) : source, insensitive ? "i" : "")]];
};

/** (file pattern, text pattern, first line, last line), each may be None. */
const suppressionList: Rule = (value, scope) => {
  if (!Array.isArray(value)) return lost("write suppressWarnings")(value, scope, {}, "suppressionList");
  const entries = value.map((item: Value): Code => {
    const [file, pattern, from, to] = Array.isArray(item) ? (item as readonly Value[]) : [];
    return object([
      typeof file === "string" ? ["file", patternOf(file)] : undefined,
      typeof pattern === "string" ? ["text", patternOf(pattern)] : undefined,
      typeof from === "number" ? ["lines", literal([from, typeof to === "number" ? to : from])] : undefined,
    ]);
  });
  return [["suppressWarnings", { list: entries }]];
};

/** The options of everything that runs a command on a worker. */
export const programOptions: Readonly<Record<string, Rule>> = {
  command: commandOf,
  workdir: (value, scope, args, name) => (value === null ? [] : text()(value, scope, args, name)),
  env,
  timeout: seconds(),
  maxTime: seconds(),
  max_lines: seconds("maxLines"),
  sigtermTime: seconds(),
  interruptSignal: text(),
  decodeRC,
  logfiles,
  lazylogfiles: differs("a watched file without content is shown", "nothing"),
  initialStdin: text(),
  usePTY: plain(),
  want_stdout: flag("wantStdout"),
  want_stderr: flag("wantStderr"),
  logEnviron: flag(),
  stdioLogName: differs("the log of its output is called stdio", "nothing, unless a program reads it by name"),
  ...ignored("collectStdout", "collectStderr", "user"),
};

const warningOptions: Readonly<Record<string, Rule>> = {
  ...programOptions,
  warningPattern,
  warningExtractor: (value, scope) => {
    if (isSpecial(value) && value.is === "function" && !value.name.endsWith("warnExtractWholeLine"))
      scope.todo("its function warningExtractor is not translated", "write warningPattern with groups, or observe");
    return [];
  },
  maxWarnCount: seconds("maxWarnings"),
  suppressionFile: text(),
  suppressionList,
  directoryEnterPattern: lost(
    "files of warnings are as the program writes them; nothing, if no rule suppresses by file",
  ),
  directoryLeavePattern: dropped,
};

const usualWarning = "/^.*warning[: ].*/i";
const shellRules = { warnOnWarnings: true };

/** A step that runs a command which Buildbot's class knows. */
const command = (words: readonly string[], options: Readonly<Record<string, Rule>> = programOptions): ClassMapping => ({
  to: "steps/shell",
  options,
  defaults: [["command", literal(words)]],
  rules: shellRules,
});

const asWords = (value: Value | undefined): readonly Value[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? (value as readonly Value[]) : [value];

/** A step whose command is made of its arguments; these are no options of their own. */
function built(
  words: (args: Values) => readonly Value[],
  names: readonly string[],
  more: Partial<ClassMapping> = {},
): ClassMapping {
  return {
    to: "steps/shell",
    options: { ...programOptions, ...ignored(...names) },
    more: (args, scope) => [
      ["command", { list: words(args).map((word) => translate(word, "text", scope, wishOf(scope, "command"))) }],
    ],
    rules: shellRules,
    ...more,
  };
}

const flags = (value: Value | undefined, words: readonly string[]) => (value === true ? words : []);
const definitions = (value: Value | undefined, prefix: string): Value[] =>
  Object.entries(entriesOf(value) ?? {}).map(
    ([key, item]): Value =>
      typeof item === "string" || typeof item === "number"
        ? `${prefix}${key}=${item}`
        : { is: "interpolate", text: `${prefix}${key}=%(kw:value)s`, args: [], kwargs: { value: item } },
  );

/** Trial's arguments, in the order in which Buildbot gives them. */
function trialWords(args: Values): Value[] {
  const trial = asWords(args["trial"] ?? "trial");
  const mode = args["trialMode"] ?? (args["jobs"] === undefined ? ["--reporter=bwverbose"] : []);
  return [
    ...asWords(args["python"]),
    ...trial,
    ...asWords(mode),
    ...(typeof args["jobs"] === "number" ? [`--jobs=${args["jobs"]}`] : []),
    ...(typeof args["reactor"] === "string" ? [`--reactor=${args["reactor"]}`] : []),
    ...flags(args["recurse"], ["--recurse"]),
    ...flags(args["randomly"], ["--random=0"]),
    ...asWords(args["trialArgs"]),
    ...asWords(args["tests"]),
  ];
}

const trialNames = ["python", "trial", "trialMode", "jobs", "reactor", "recurse", "randomly", "trialArgs", "tests"];

/** A command of a `ShellSequence`: without its own word, nothing that fails has an effect. */
const sequenceCommands: Rule = (value, scope) => {
  if (!Array.isArray(value)) return same()(value, scope, {}, "commands");
  const commands = value.map((item: Value): Code => {
    const args = isSpecial(item) && item.is === "object" ? item.args : {};
    const rule = (name: string, ours: boolean): Entry | undefined =>
      (args[name] ?? false) === ours ? undefined : [name, translate(args[name] ?? false, "json", scope, name)];
    const log = args["logname"];
    return object([
      ["command", translate(args["command"] ?? [], "text", scope, "command")],
      log === undefined || log === null ? undefined : ["log", translate(log, "text", scope, "log")],
      rule("haltOnFailure", true),
      rule("flunkOnFailure", true),
      rule("warnOnFailure", false),
    ]);
  });
  return [["commands", { list: commands }]];
};

/** What a function of a command's output gets. */
const outputs = [
  { code: "rc", role: "number" },
  { code: "stdout", role: "text" },
  { code: "stderr", role: "text" },
] as const;

/** Steps that run programs on a worker. */
export const programs: Mappings = {
  ShellCommand: { to: "steps/shell", options: programOptions, rules: shellRules },
  WarningCountingShellCommand: {
    to: "steps/shell",
    options: warningOptions,
    defaults: [["warningPattern", usualWarning]],
    rules: shellRules,
  },
  Compile: { to: "steps/compile", options: warningOptions, rules: { haltOnFailure: true, warnOnWarnings: true } },
  Configure: command(["./configure"]),
  Test: {
    ...command(["make", "test"], warningOptions),
    defaults: [
      ["command", literal(["make", "test"])],
      ["warningPattern", usualWarning],
    ],
  },
  PerlModuleTest: {
    ...command(["prove", "--lib", "lib", "-r", "t"], warningOptions),
    differs: "the number of tests is not counted; `test-results` reads TAP",
  },
  TreeSize: { ...command(["du", "-s", "-k", "."]), differs: "the size is in the log, not in a property" },
  ShellSequence: { to: "steps/sequence", options: { ...programOptions, commands: sequenceCommands } },
  SetPropertyFromCommand: {
    to: "steps/shell",
    options: {
      ...programOptions,
      property: text(),
      extract_fn: (value, scope) =>
        value === null ? [] : [["extract", translateFunction(value, outputs, "json", scope, "extract_fn")]],
      strip: differs("the property has no blanks around it", "nothing, unless they matter"),
      includeStdout: dropped,
      includeStderr: lost("only the standard output becomes the property; write extract"),
    },
    rules: shellRules,
  },
  SetPropertiesFromEnv: {
    to: "steps/shell",
    options: { variables: dropped, source: dropped },
    more: (args) => {
      const names = JSON.stringify(asWords(args["variables"]));
      return [
        ["command", literal(["env"])],
        [
          "extract",
          `(_rc, stdout) => Object.fromEntries(stdout.split("\\n").map((line) => /^(.*?)=(.*)$/.exec(line)?.slice(1, 3) ?? []).filter(([name]) => ${names}.includes(name ?? "")))`,
        ],
      ];
    },
    rules: shellRules,
  },
  Trial: built(trialWords, trialNames, {
    options: {
      ...programOptions,
      ...ignored(...trialNames),
      testpath: differs("PYTHONPATH is not set by the step", "add it to env if the tests need it"),
      testChanges: lost("the tests of changed files are not chosen; name all tests"),
    },
    differs: "the number of tests is not counted; `test-results` reads subunit",
  }),
  PyLint: {
    ...command(["pylint"]),
    options: { ...programOptions, store_results: dropped },
    defaults: [["decodeRC", literal(Object.fromEntries(pylintCodes()))]],
    differs: "its messages are not counted by kind",
  },
  PyFlakes: {
    ...command(["make", "pyflakes"]),
    defaults: [
      ["command", literal(["make", "pyflakes"])],
      ["decodeRC", literal({ 0: "success", 1: "warnings" })],
    ],
    differs: "its messages are not counted by kind",
  },
  BuildEPYDoc: command(["make", "epydocs"]),
  RemovePYCs: command(["find", ".", "-name", "*.pyc", "-delete"]),
  Sphinx: built(
    (args) => [
      ...asWords(args["sphinx"] ?? "sphinx-build"),
      ...(typeof args["sphinx_builder"] === "string" ? ["-b", args["sphinx_builder"]] : []),
      ...asWords(args["tags"]).flatMap((tag): Value[] => ["-t", tag]),
      ...definitions(args["defines"], "").flatMap((define): Value[] => ["-D", define]),
      ...(args["mode"] === "full" ? ["-E"] : []),
      ...flags(args["strict_warnings"], ["-W"]),
      args["sphinx_sourcedir"] ?? ".",
      args["sphinx_builddir"] ?? "_build",
    ],
    ["sphinx", "sphinx_builder", "tags", "defines", "mode", "strict_warnings", "sphinx_sourcedir", "sphinx_builddir"],
  ),
  CMake: built(
    (args) => [
      ...asWords(args["cmake"] ?? "cmake"),
      ...(args["generator"] === undefined || args["generator"] === null ? [] : ["-G", args["generator"]]),
      ...definitions(args["definitions"], "-D"),
      ...asWords(args["options"]),
      ...asWords(args["path"]),
    ],
    ["cmake", "generator", "definitions", "options", "path"],
  ),
  Cppcheck: built(
    (args) => [
      ...asWords(args["binary"] ?? "cppcheck"),
      ...asWords(args["source"] ?? "."),
      ...flags(args["enable"], []),
      ...(Array.isArray(args["enable"]) ? [`--enable=${args["enable"].join(",")}`] : []),
      ...flags(args["inconclusive"], ["--inconclusive"]),
      ...asWords(args["extra_args"]),
    ],
    ["binary", "source", "enable", "inconclusive", "extra_args"],
    { differs: "its messages are not counted by kind" },
  ),
  SubunitShellCommand: {
    to: "steps/shell",
    options: { ...programOptions, failureOnNoTests: dropped },
    rules: shellRules,
    differs: "tests are read by `test-results` from a file, not from the output",
  },
  HLint: built(() => ["hlint"], ["python"], { differs: "it looks at all files, not only at changed ones" }),
};

/** The first two bits of PyLint's return code are errors, the others warnings. */
function pylintCodes(): [number, string][] {
  return Array.from({ length: 7 }, (_, i) => [4 * (i + 1), "warnings"]);
}

/** The options of a scope's environment, for builders. */
export function environmentOf(value: Value, scope: Scope): readonly Entry[] {
  return env(value, scope, {}, "env");
}
