import { workers } from "./classes/workers.ts";
import { entriesFor, mappingOf, reportOwnClass } from "./construct.ts";
import { type BuildbotDocument, entriesOf, type ObjectValue, textsOf, type Value } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { isJanitors } from "./write-builders.ts";

/** The workers, and the port at which they connect. */
export function workersSlice(document: BuildbotDocument, scope: Scope): Code {
  const attached: Code[] = [];
  const latent: Code[] = [];
  const uses = countUses(document);
  for (const part of document.workers) {
    if (part.is === "unknown") {
      scope.begin(`worker ${part.class}`, undefined).todo("its class is none of Buildbot's", "add the worker");
      continue;
    }
    const name = textsOf(part.args["name"])?.[0] ?? "unknown";
    if (isJanitors(name)) continue;
    const inner = scope.begin(`worker ${JSON.stringify(name)}`, part.at);
    const made = translateWorker(part, name, uses.get(name) ?? 1, inner);
    (made.latent ? latent : attached).push(made.code);
  }
  const file = scope.file;
  return {
    call: file.named("defineWorkers"),
    args: [
      object([
        ["host", `${file.named("env")}("WORKER_HOST", "127.0.0.1")`, hostComment],
        ["port", `${file.named("envPort")}("WORKER_PORT", ${workerPort(document, scope)})`],
        ["basedir", literal("state/workers")],
        ["workers", { list: attached }],
        latent.length === 0 ? undefined : ["latent", { list: latent }],
      ]),
    ],
  };
}

const hostComment = "0.0.0.0 lets workers of other machines connect.";

function translateWorker(
  part: ObjectValue,
  name: string,
  builders: number,
  scope: Scope,
): { readonly latent: boolean; readonly code: Code } {
  const mapping = mappingOf(workers, part);
  if (mapping === undefined) {
    scope.todo(
      `the class ${part.class} is not translated; the worker is written as one that connects by itself`,
      "see docs/latent-workers.md for workers that are made on demand",
    );
    const password = scope.fromEnvironment(
      `WORKER_${name}_PASSWORD`.toUpperCase().replace(/[^A-Z0-9]+/g, "_"),
      "its password",
    );
    return {
      latent: false,
      code: object([
        ["name", literal(name)],
        ["password", password],
      ]),
    };
  }
  const given = entriesFor(mapping, part.args, scope);
  reportOwnClass(part, scope);
  // Without a limit, a worker of Buildbot's runs a build of each of its builders at the same time.
  const maxBuilds: Entry[] =
    given.some(([key]) => key === "maxBuilds") || builders <= 1 ? [] : [["maxBuilds", literal(builders)]];
  const entries = [
    ...given.filter(([key]) => key === "name"),
    ...given.filter(([key]) => key !== "name"),
    ...maxBuilds,
  ];
  if (mapping.to === "worker") return { latent: false, code: object(entries) };
  return { latent: true, code: { call: scope.file.plugin(mapping.to), args: [object(entries)] } };
}

function countUses({ builders }: BuildbotDocument): Map<string, number> {
  const uses = new Map<string, number>();
  for (const { args } of builders)
    for (const name of new Set(textsOf(args["workernames"]) ?? [])) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/** The port of Buildbot's protocol: a number, or a text such as "tcp:9989:interface=127.0.0.1". */
function workerPort({ settings }: BuildbotDocument, scope: Scope): number {
  const protocols = entriesOf(settings["protocols"]) ?? {};
  const pb = entriesOf(protocols["pb"] ?? protocols["msgpack_experimental_v7"]);
  const text = pb?.["port"];
  if (typeof text === "string" && text.startsWith("ssl:"))
    scope.todo("workers connect with TLS", "write tls: { certificate, key }: docs/worker-ports.md");
  return portOf(text) ?? 9989;
}

/** The port in one of Twisted's descriptions. */
export function portOf(value: Value | undefined): number | undefined {
  if (typeof value === "number") return value;
  const found = typeof value === "string" ? /(?:^|:)(?:port=)?(\d+)(?::|$)/.exec(value)?.[1] : undefined;
  return found === undefined ? undefined : Number(found);
}
