import { asSpecial, type BuildbotDocument, entriesOf } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { collapsing } from "./write-builders.ts";

/** The shared part: the database, the messages, and where the other parts are. */
export function clusterPart(document: BuildbotDocument, scope: Scope): Code {
  const { settings } = document;
  const file = scope.file;
  const url = settings["buildbotURL"];
  const collapse = collapsing(settings["collapseRequests"] ?? true, scope);
  const load = (name: string): Code => `() => import("./${name}.ts")`;
  reportSettings(document, scope);
  return {
    call: file.named("defineCluster"),
    args: [
      object([
        ["name", literal(nameOf(settings["title"]))],
        typeof url === "string" ? ["url", `${file.named("env")}("UI_URL", ${JSON.stringify(url)})`] : undefined,
        databaseOf(document, scope),
        busOf(document, scope),
        ...collapse,
        onMasterOf(document, scope),
        ["scheduler", load("scheduler")],
        ["builders", object([["main", load("builders")]])],
        ["workers", load("workers")],
        ["ui", load("ui")],
      ]),
    ],
  };
}

const nameOf = (title: unknown) =>
  (typeof title === "string"
    ? title
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
    : "") || "buildbot";

/** Without a variable it is a new database; the farm's own is taken over once it is tried (docs/from-buildbot.md). */
function databaseOf({ database }: BuildbotDocument, scope: Scope): Entry {
  const env = scope.file.named("env");
  const entry: Entry = [
    "database",
    `${env}("DATABASE_URL", "sqlite:state/master.sqlite")`,
    "Set DATABASE_URL to the farm's own database to take it over: docs/from-buildbot.md.",
  ];
  const text = typeof database === "string" ? database : asSpecial(database, "withheld")?.name;
  if (typeof text === "string" && /^mysql/.test(text))
    scope.begin("database", undefined).todo("MySQL and MariaDB are not supported", "move its data to PostgreSQL first");
  return entry;
}

function busOf({ settings }: BuildbotDocument, scope: Scope): Entry | undefined {
  const mq = entriesOf(settings["mq"]);
  if (mq?.["type"] !== "wamp") return undefined;
  const router = mq["router_url"];
  const realm = mq["realm"];
  return [
    "bus",
    object([
      [
        "router",
        `${scope.file.named("env")}("WAMP_ROUTER"${typeof router === "string" ? `, ${JSON.stringify(router)}` : ""})`,
      ],
      typeof realm === "string" ? ["realm", literal(realm)] : undefined,
    ]),
  ];
}

/** Paths of the masters that steps use, by the step's class. */
function onMasterOf({ builders }: BuildbotDocument, scope: Scope): Entry | undefined {
  const steps = builders.flatMap((builder) => builder.steps);
  const directories = (classes: readonly string[], option: string) => {
    const paths = steps.flatMap(({ base, args }) => (classes.includes(base) ? [args[option]] : []));
    return [...new Set(paths.map((path) => directoryOf(typeof path === "string" ? path : textOf(path))))].sort();
  };
  const writeTo = directories(["FileUpload", "MultipleFileUpload", "DirectoryUpload"], "masterdest");
  const readFrom = directories(["FileDownload"], "mastersrc");
  const commands = steps.some(({ base }) => base === "MasterShellCommand");
  if (writeTo.length === 0 && readFrom.length === 0 && !commands) return undefined;
  scope
    .begin("steps on the master", undefined)
    .note(
      "steps may write, read or run something on the machines of engines",
      "check what onMaster allows: docs/security.md",
    );
  return [
    "onMaster",
    object([
      commands ? ["commands", "true"] : undefined,
      readFrom.length === 0 ? undefined : ["readFrom", literal(readFrom)],
      writeTo.length === 0 ? undefined : ["writeTo", literal(writeTo)],
    ]),
  ];
}

function textOf(value: unknown): string {
  const text = asSpecial(value as never, "interpolate")?.text ?? asSpecial(value as never, "with-properties")?.text;
  return typeof text === "string" ? text.slice(0, Math.max(0, text.indexOf("%"))) : "";
}

/** The directory of a path that may end with what is known only in a build. */
function directoryOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, end) || "/";
}

const settingsThatDiffer: Readonly<Record<string, readonly [what: string, suggestion: string]>> = {
  prioritizeBuilders: ["prioritizeBuilders is a function", "write builderOrder: docs/who-goes-first.md"],
  codebaseGenerator: [
    "codebaseGenerator is a function",
    "write codebase of change sources and hooks, where it may be a function",
  ],
  select_next_worker: ["select_next_worker is a function", "write nextWorker of builders: docs/who-goes-first.md"],
  revlink: ["revlink is a function", "write revlink of the change sources"],
  changeHorizon: ["old changes are not removed by themselves", "write retention: docs/retention.md"],
  metrics: ["metrics are not logged", "every master answers /metrics: docs/operators.md"],
  manhole: ["there is no manhole", "use `master status`, REST and /metrics"],
};

function reportSettings({ settings, others }: BuildbotDocument, scope: Scope): void {
  for (const [name, [what, suggestion]] of Object.entries(settingsThatDiffer)) {
    const value = settings[name];
    if (value === undefined || value === null) continue;
    const inner = scope.begin(`setting ${name}`, asSpecial(value, "function")?.at);
    if (["changeHorizon", "metrics", "manhole"].includes(name)) inner.note(what, suggestion);
    else inner.todo(what, suggestion);
  }
  for (const { what, count } of others)
    scope.begin(what, undefined).todo(`${count} ${what} are not translated`, "see docs/from-buildbot.md");
}
