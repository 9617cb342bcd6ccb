import { duration } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { isLoopback, network } from "../networks.ts";
import { portChoice } from "../port.ts";

/** One worker that may connect, or that runs inside the engine. */
export const workerConfig = z
  .strictObject({
    name: z
      .string()
      .max(50)
      .regex(/^[a-zA-Z_-][a-zA-Z0-9._-]*$/, "must be a letter, then letters, digits, '.', '_' or '-'")
      .describe("As the worker logs in."),
    password: z.string().min(1).optional().describe("Required unless the worker is local."),
    local: z.boolean().default(false).describe("Runs inside the engine's process; for one master on one machine."),
    maxBuilds: z
      .int()
      .positive()
      .default(1)
      .describe("Most builds at once, of different builders: only one works in a directory."),
    properties: z
      .record(z.string(), z.json())
      .default({})
      .describe("Properties of its builds, with the source Worker."),
  })
  .refine((worker) => worker.local || worker.password !== undefined, {
    path: ["password"],
    message: "a worker that connects needs a password",
    // Said together with whatever else is wrong, not only once that is mended.
    when: ({ value }) => typeof value === "object" && value !== null,
  });

/** Who may build: the workers, and where engines listen for them. */
export const workersSlice = z.strictObject({
  host: z.string().default("0.0.0.0").describe("Address the engine listens on for workers."),
  port: portChoice
    .prefault(9989)
    .describe("Port for workers, the first free one of several; 0 lets the system choose."),
  keepAlive: duration
    .prefault("20s")
    .describe("How often workers are asked for a sign of life; one that is silent for three times as long is let go."),
  trustedProxies: z
    .array(network)
    .default([])
    .describe(
      "Balancers in front that are believed when they say for whom they ask: wrong passwords then count for that address.",
    ),
  openMetrics: z
    .boolean()
    .default(false)
    .describe("Answers /metrics on the worker port to all who reach it, not to programs of this machine only."),
  passEnvironment: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, "must be the name of a variable, or the beginning of names and '*'"),
    )
    .default([])
    .describe(
      "Variables of the master's environment that commands of local workers get beside PATH, HOME, LANG and the like.",
    ),
  rebalance: z
    .union([z.literal(false), duration])
    .prefault("10s")
    .describe(
      "How often an engine checks whether it has far more workers than others with the same builders; idle ones are then released to them. false: never.",
    ),
  basedir: z.string().default("workers").describe("Where local workers keep their files, relative to the config."),
  workers: z.array(workerConfig).describe("The workers that may attach."),
});

export type WorkerConfig = z.output<typeof workerConfig>;
export type WorkersSlice = z.output<typeof workersSlice>;
export type WorkersSliceInput = z.input<typeof workersSlice>;

/** Types the `workers` slice of a config. */
export function defineWorkers(slice: WorkersSliceInput): WorkersSliceInput {
  return slice;
}

/** Risks in who may build. */
export function warningsOfWorkers(slice: WorkersSlice): ConfigWarning[] {
  return [...warnOfSharedPasswords(slice), ...warnOfWeakPasswords(slice)];
}

/** Passwords of examples, and the first that everybody tries. */
const knownPasswords =
  /^(change[ _-]?(me|it)|pass(word|wd)?|secret|worker|test|admin|root|letmein|buildbot|multimaster|ci|default|[0-9]{1,12}|qwerty|abc123|sekrit)[0-9!]*$/i;
const shortPassword = 12;

function warnOfWeakPasswords({ host, workers }: WorkersSlice): ConfigWarning[] {
  if (isLoopback(host)) return [];
  return workers.flatMap(({ name, password }, i) => {
    if (password === undefined) return [];
    const isKnown = knownPasswords.test(password) || password.toLowerCase() === name.toLowerCase();
    if (!isKnown && password.length >= shortPassword) return [];
    const why = isKnown ? "is one that everybody tries" : `has fewer than ${shortPassword} characters`;
    return [
      {
        path: ["workers", i, "password"],
        sentence: `${why}, and ${host} is reached from other machines: whoever guesses it gets the builds of "${name}", with their secrets; take a long random one, or host: "127.0.0.1"`,
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
            sentence: `is also the password of ${others.length === 1 ? `workers[${others[0]}]` : `${others.length} other workers`}: a build that reads it can connect as any of them; give each worker its own`,
          },
        ],
  );
}

/** Local workers of a master that holds secrets: their builds may do whatever the master may. */
export function warningsOfLocalWorkers({ workers }: WorkersSlice, secrets: number): ConfigWarning[] {
  const local = workers.findIndex((worker) => worker.local);
  if (local === -1 || secrets === 0) return [];
  return [
    {
      path: ["workers", local, "local"],
      sentence: `its builds run as this master's user, and can read the secrets of all builder sets (${secrets}) out of its memory and files; use a worker of its own machine or user, unless you trust all code that it builds`,
    },
  ];
}
