import { duration } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { isLoopback, network } from "../networks.ts";
import { descriptorOf } from "../plugin.ts";
import { portChoice } from "../port.ts";

/** One worker that may connect, or that runs inside the engine. */
export const workerConfig = z
  .strictObject({
    name: z
      .string()
      .max(50)
      .regex(/^[a-zA-Z_-][a-zA-Z0-9._-]*$/, "must be a letter, then letters, digits, '.', '_' or '-'")
      .describe("The name with which the worker logs in."),
    password: z.string().min(1).optional().describe("Required unless the worker is local."),
    local: z.boolean().default(false).describe("Runs inside the engine's process; for one master on one machine."),
    maxBuilds: z
      .int()
      .positive()
      .default(1)
      .describe("Maximum number of builds at the same time, of different builders: each directory has one build."),
    properties: z
      .record(z.string(), z.json())
      .default({})
      .describe("Properties of its builds, with the source Worker."),
  })
  .refine((worker) => worker.local || worker.password !== undefined, {
    path: ["password"],
    message: "a worker that connects needs a password",
    // This check runs even if other fields are invalid, so that all errors are reported together.
    when: ({ value }) => typeof value === "object" && value !== null,
  });

/** The workers that may attach, and where engines listen for them. */
export const workersSlice = z.strictObject({
  host: z.string().default("0.0.0.0").describe("Address the engine listens on for workers."),
  port: portChoice
    .prefault(9989)
    .describe("Port for workers, the first free one of several; 0 lets the system choose."),
  keepAlive: duration
    .prefault("20s")
    .describe("How often workers are pinged; a worker that does not answer for three times as long is detached."),
  trustedProxies: z
    .array(network)
    .default([])
    .describe(
      "Balancers in front of the engines whose headers about the client's address are trusted: wrong passwords count for that address.",
    ),
  openMetrics: z
    .boolean()
    .default(false)
    .describe(
      "Answers /metrics on the worker port for any client that can connect, not only for programs of this machine.",
    ),
  passEnvironment: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, "must be the name of a variable, or the beginning of names and '*'"),
    )
    .default([])
    .describe(
      "Variables of the master's environment that commands of local workers get, beside PATH, HOME, LANG and similar ones.",
    ),
  rebalance: z
    .union([z.literal(false), duration])
    .prefault("10s")
    .describe(
      "How often an engine checks whether it has far more workers than other engines with the same builders; it then disconnects idle ones, which reconnect elsewhere. false: never.",
    ),
  basedir: z.string().default("workers").describe("Where local workers keep their files, relative to the config."),
  workers: z.array(workerConfig).describe("The workers that may attach."),
  latent: z
    .array(descriptorOf("latent-worker"))
    .default([])
    .describe("Workers that are made on demand; builders name them as they name other workers."),
});

export type WorkerConfig = z.output<typeof workerConfig>;
export type WorkersSlice = z.output<typeof workersSlice>;
export type WorkersSliceInput = z.input<typeof workersSlice>;

/** Adds types to the `workers` slice of a config. */
export function defineWorkers(slice: WorkersSliceInput): WorkersSliceInput {
  return slice;
}

/** Risks in the workers slice. */
export function warningsOfWorkers(slice: WorkersSlice): ConfigWarning[] {
  return [...warnOfSharedPasswords(slice), ...warnOfWeakPasswords(slice)];
}

/** Passwords of examples, and commonly guessed ones. */
const knownPasswords =
  /^(change[ _-]?(me|it)|pass(word|wd)?|secret|worker|test|admin|root|letmein|buildbot|multimaster|ci|default|[0-9]{1,12}|qwerty|abc123|sekrit)[0-9!]*$/i;
const shortPassword = 12;

function warnOfWeakPasswords({ host, workers }: WorkersSlice): ConfigWarning[] {
  if (isLoopback(host)) return [];
  return workers.flatMap(({ name, password }, i) => {
    if (password === undefined) return [];
    const isKnown = knownPasswords.test(password) || password.toLowerCase() === name.toLowerCase();
    if (!isKnown && password.length >= shortPassword) return [];
    const why = isKnown ? "is commonly guessed" : `has fewer than ${shortPassword} characters`;
    return [
      {
        path: ["workers", i, "password"],
        sentence: `${why}, and ${host} can be reached from other machines: anyone who guesses it gets the builds of "${name}", with their secrets; use a long random password, or host: "127.0.0.1"`,
      },
    ];
  });
}

function warnOfSharedPasswords({ workers }: WorkersSlice): ConfigWarning[] {
  const sharing = new Map<string, number[]>();
  for (const [i, { password }] of workers.entries())
    if (password !== undefined) sharing.set(password, [...(sharing.get(password) ?? []), i]);
  return [...sharing.values()].flatMap(([first = 0, ...others]) =>
    others.length === 0
      ? []
      : [
          {
            path: ["workers", first, "password"],
            sentence: `is also the password of ${others.length === 1 ? `workers[${others[0]}]` : `${others.length} other workers`}: a build that reads it can connect as any of them; set a different one for each worker`,
          },
        ],
  );
}

/** Warns of local workers on a master with secrets: their builds have all rights of the master. */
export function warningsOfLocalWorkers({ workers }: WorkersSlice, secrets: number): ConfigWarning[] {
  const local = workers.findIndex((worker) => worker.local);
  if (local === -1 || secrets === 0) return [];
  return [
    {
      path: ["workers", local, "local"],
      sentence: `its builds run as this master's user, and can read the secrets of all builder sets (${secrets}) from its memory and files; use a worker on another machine or as another user, unless you trust all code that it builds`,
    },
  ];
}
