import { asSpecial, entriesOf, isSpecial, type Value } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object, print, SourceFile, variableOf } from "./source-file.ts";
import { describe } from "./values.ts";

interface KnownLock {
  readonly variable: string;
  readonly code: Code;
}

/** The locks of the farm: each is defined once, in a file of its own. */
const known = new WeakMap<object, Map<string, KnownLock>>();

const locksOf = (scope: Scope) => {
  const locks = known.get(scope.secrets) ?? new Map<string, KnownLock>();
  known.set(scope.secrets, locks);
  return locks;
};

/** The uses of locks of a builder or step; undefined if there are none. */
export function lockUses(value: Value, scope: Scope): Code | undefined {
  if (!Array.isArray(value)) {
    if (value !== null) scope.todo(`its locks are ${describe(value)}`, "write locks: (build) => […]: docs/locks.md");
    return undefined;
  }
  const uses = value.flatMap((item: Value): Code[] => {
    const use = asSpecial(item, "lock");
    const lock = use && lockVariable(use.lock, scope);
    if (use === undefined || lock === undefined) {
      scope.todo(`a lock is ${describe(item)}`, "write it with defineLock: docs/locks.md");
      return [];
    }
    const count = use.count === 1 ? "" : String(use.count);
    return [use.mode === "exclusive" ? `${lock}.exclusive()` : `${lock}.counting(${count})`];
  });
  return uses.length === 0 ? undefined : { list: uses };
}

function lockVariable(value: Value, scope: Scope): string | undefined {
  if (!isSpecial(value) || value.is !== "object") return undefined;
  const { base, args } = value;
  const name = args["name"];
  if (typeof name !== "string" || !["MasterLock", "WorkerLock"].includes(base)) return undefined;
  const locks = locksOf(scope);
  const key = `${base} ${name}`;
  const before = locks.get(key);
  const variable = before?.variable ?? newVariable(name, locks);
  if (before === undefined) {
    scope.begin(`lock ${JSON.stringify(name)}`, value.at);
    const ofWorkers = entriesOf(args["maxCountForWorker"]) ?? {};
    const max = args["maxCount"] ?? 1;
    const entries: (Entry | undefined)[] = [
      ["name", literal(plainLockName(base, name, locks))],
      base === "WorkerLock" ? ["scope", literal("worker")] : undefined,
      max === 1 ? undefined : ["max", literal(max)],
      Object.keys(ofWorkers).length === 0 ? undefined : ["maxOfWorker", literal(ofWorkers)],
    ];
    locks.set(key, { variable, code: { call: "defineLock", args: [object(entries)] } });
  }
  return scope.file.named(variable, "./locks.ts");
}

/** A lock of the cluster and one of the workers may have one name in Buildbot. */
const plainLockName = (base: string, name: string, locks: ReadonlyMap<string, KnownLock>) =>
  locks.has(`${base === "MasterLock" ? "WorkerLock" : "MasterLock"} ${name}`) ? `${name} (${base})` : name;

function newVariable(name: string, locks: ReadonlyMap<string, KnownLock>): string {
  const taken = new Set([...locks.values()].map(({ variable }) => variable));
  return variableOf(/lock$/i.test(name) ? name : `${name} lock`, taken);
}

/** The file with the definitions of all locks that are used; undefined if none is. */
export function printLocks(scope: Scope): string | undefined {
  const locks = [...locksOf(scope).values()];
  if (locks.length === 0) return undefined;
  const file = new SourceFile();
  file.named("defineLock");
  const lines = locks.map(({ variable, code }) => `export const ${variable} = ${print(code, "", 20)};`);
  return `/** The locks of builders and steps. */\nimport { defineLock } from "@multimaster/config";\n\n${lines.join("\n")}\n`;
}
