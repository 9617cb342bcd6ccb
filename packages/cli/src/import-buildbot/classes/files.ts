import { asSpecial, type Value, type Values } from "../document.ts";
import { differs, dropped, lost, plain, type Rule, same, seconds, text, texts, wishOf } from "../rules.ts";
import type { Scope } from "../scope.ts";
import { type Code, type Entry, literal } from "../source-file.ts";
import { translate } from "../values.ts";
import { type ClassMapping, ignored, type Mappings } from "./class-mapping.ts";
import { programOptions } from "./programs.ts";

/** A path on the master: one that is relative is below the directory of the written config. */
const masterPath =
  (option: string): Rule =>
  (value, scope, _, name) => {
    scope.file.named("resolve", "node:path");
    const code = translate(value, "text", scope, wishOf(scope, name));
    return [[option, inDirectory(code)]];
  };

function inDirectory(code: Code): Code {
  if (typeof code !== "string") return code;
  const made = /^\(build\) => ([\s\S]*)$/.exec(code)?.[1];
  if (made !== undefined) return `(build) => resolve(import.meta.dirname, ${made})`;
  if (code.startsWith('"')) return `resolve(import.meta.dirname, ${code})`;
  return code.startsWith("interpolate(") ? `(build) => resolve(import.meta.dirname, ${code}(build))` : code;
}

/** The same, of a directory however many files there are. */
const masterDirectory =
  (option: string): Rule =>
  (value, scope, args, name) =>
    masterPath(option)(value, scope, args, name).map(([key, code]): Entry => {
      if (typeof code !== "string") return [key, code];
      const [, before = "", path = code] = /^(\(build\) => )?([\s\S]*)$/.exec(code) ?? [];
      return [key, `${before}\`\${${path}}/\``];
    });

const link = differs("the step has no link to the file", "artifacts have pages of their own: leave out toMaster");
const keepstamp = differs("the file gets the time of the upload", "nothing, unless a program reads it");

const transferOptions: Readonly<Record<string, Rule>> = {
  workdir: programOptions["workdir"] as Rule,
  maxsize: (value, scope, args, name) => (value === null ? [] : plain("maxSize")(value, scope, args, name)),
  mode: (value) => (typeof value === "number" ? [["mode", `0o${value.toString(8)}`]] : []),
  ...ignored("blocksize", "compress"),
};

const upload: ClassMapping = {
  to: "steps/upload",
  options: {
    ...transferOptions,
    workersrc: text("files"),
    workersrcs: texts("files"),
    masterdest: masterPath("toMaster"),
    keepstamp,
    url: link,
    urlText: dropped,
    glob: dropped,
  },
  rules: { haltOnFailure: true },
  differs: "the config allows each directory (onMaster.writeTo); several engines share none, so artifacts are better",
};

const http = (method: string): ClassMapping => ({
  to: "steps/http-request",
  options: {
    url: text(),
    method: text(),
    headers: same(undefined, "text"),
    json: same(),
    data: (value, scope, args, name) =>
      asSpecial(value, "map")
        ? lost("write body as a text")(value, scope, args, name)
        : text("body")(value, scope, args, name),
    timeout: seconds(undefined, "left out"),
    params: lost("write the parameters into url"),
    auth: lost("send a header Authorization with a secret"),
    cookies: lost("send a header Cookie"),
    ...ignored("allow_redirects", "hide_request_headers", "hide_response_headers", "verify"),
  },
  defaults: method === "GET" ? [] : [["method", literal(method)]],
});

/** A text is read by a shell there. Buildbot runs it in its own directory, or in another that is relative to that. */
const masterCommand: Rule = (value, scope, args) => {
  const words: readonly Value[] = Array.isArray(value) ? (value as readonly Value[]) : ["/bin/sh", "-c", value];
  const workdir = args["workdir"];
  const directory =
    workdir === undefined || workdir === null
      ? "import.meta.dirname"
      : inDirectory(translate(workdir, "text", scope, "workdir"));
  const begin: Code[] = [...["/bin/sh", "-c", 'cd "$0" && exec "$@"'].map((word) => JSON.stringify(word)), directory];
  if (directory !== "import.meta.dirname") scope.file.named("resolve", "node:path");
  return [["command", { list: [...begin, ...words.map((word) => translate(word, "text", scope, "command"))] }]];
};

const sourceStamps: Rule = (value, scope, args, name) =>
  value === null ? [] : same("sourceStamps")(name === "sourceStamp" ? [value] : value, scope, args, name);

const unless =
  (absent: boolean, rule: Rule): Rule =>
  (value, scope, args, name) =>
    value === null || value === absent ? [] : rule(value, scope, args, name);

const jsonText = (value: Value, scope: Scope): Entry => {
  const code = translate(value, "json", scope, "text");
  const made = typeof code === "string" ? /^\(build\) => ([\s\S]*)$/.exec(code)?.[1] : undefined;
  if (made !== undefined) return ["text", `(build) => JSON.stringify(${made})`];
  return ["text", { call: "JSON.stringify", args: [code] }];
};

const properties = (args: Values, scope: Scope): readonly Entry[] => {
  const property = args["property"];
  const name = typeof property === "string" ? property : "property";
  return [["properties", { object: [[name, translate(args["value"] ?? "", "json", scope, name)]] }]];
};

/** Steps on files, directories, properties, other builds and servers. */
export const files: Mappings = {
  FileUpload: upload,
  MultipleFileUpload: { ...upload, options: { ...upload.options, masterdest: masterDirectory("toMaster") } },
  DirectoryUpload: { ...upload, options: { ...upload.options, workersrc: text("directory") } },
  FileDownload: {
    to: "steps/download",
    options: { ...transferOptions, mastersrc: masterPath("fromMaster"), workerdest: text("to"), maxsize: dropped },
    rules: { haltOnFailure: true },
    differs: "the config allows each directory (onMaster.readFrom)",
  },
  StringDownload: {
    to: "steps/download-text",
    options: { ...transferOptions, s: text("text"), workerdest: text("to"), maxsize: dropped },
    rules: { haltOnFailure: true },
  },
  JSONStringDownload: {
    to: "steps/download-text",
    options: {
      ...transferOptions,
      o: (value, scope) => [jsonText(value, scope)],
      workerdest: text("to"),
      maxsize: dropped,
    },
    rules: { haltOnFailure: true },
  },
  MakeDirectory: { to: "steps/make-directory", options: { dir: text() }, rules: { haltOnFailure: true } },
  RemoveDirectory: { to: "steps/remove-directory", options: { dir: text() }, rules: { haltOnFailure: true } },
  CopyDirectory: {
    to: "steps/copy-directory",
    options: { src: text("from"), dest: text("to"), timeout: seconds(), maxTime: dropped },
    rules: { haltOnFailure: true },
  },
  FileExists: { to: "steps/file-exists", options: { file: text("path") }, rules: { haltOnFailure: true } },
  MasterShellCommand: {
    to: "steps/master-command",
    options: {
      command: masterCommand,
      env: programOptions["env"] as Rule,
      timeout: seconds(undefined, "left out"),
      ...ignored("workdir", "usePTY", "interruptSignal", "logEnviron", "path"),
    },
    rules: { haltOnFailure: true },
    differs: "the config allows it (onMaster.commands); it runs on the engine that runs the build",
  },
  SetProperty: { to: "steps/set-properties", options: ignored("property", "value"), more: properties },
  SetProperties: { to: "steps/set-properties", options: { properties: same() } },
  Assert: {
    to: "steps/assert",
    options: { check: (value, scope) => [["that", translate(value, "flag", scope, "check")]] },
    rules: { haltOnFailure: true },
  },
  Trigger: {
    to: "steps/trigger",
    options: {
      schedulerNames: texts(),
      waitForFinish: unless(false, same()),
      updateSourceStamp: unless(true, same()),
      alwaysUseLatest: unless(false, same()),
      sourceStamp: sourceStamps,
      sourceStamps,
      set_properties: same("setProperties"),
      copy_properties: texts("copyProperties"),
      unimportantSchedulerNames: texts(),
      parent_relationship: text("parentRelationship"),
    },
  },
  HTTPStep: http("GET"),
  GET: http("GET"),
  POST: http("POST"),
  PUT: http("PUT"),
  DELETE: http("DELETE"),
  HEAD: http("HEAD"),
};
