import { duration, isPasswordHash, isSealedDigest, positiveDuration, weeklyHours, workerName } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { isLoopback, network } from "../networks.ts";
import { descriptorOf } from "../plugin.ts";
import { portChoice } from "../port.ts";
import { type Accepts, type BuilderOrder, functionOf } from "../start-rules.ts";
import { type RuledWorker, warningsOfWorkerRules } from "../start-warnings.ts";

const missingTimeout = duration.nullable();
const quarantineAfter = z.int().positive().nullable();
const probationAfter = duration.nullable();

/** One worker that may connect, or that runs inside the engine. */
export const workerConfig = z
  .strictObject({
    name: workerName.describe("The name with which the worker logs in."),
    password: z
      .string()
      .min(1)
      .optional()
      .describe("Its password in clear text. This or `passwordHash` is required unless the worker is local."),
    passwordHash: z
      .string()
      .refine(isPasswordHash, 'must be a hash made by "master worker hash", never the password itself')
      .optional()
      .describe("The hash of its password, which `master worker hash` prints: enough for the MessagePack protocol."),
    passwordMd5Sealed: z
      .string()
      .refine(isSealedDigest, 'must be a line of "master worker hash --sealing-key FILE"')
      .optional()
      .describe(
        "Beside `passwordHash`, for workers that use pb: the digest that protocol needs, sealed with `sealingKey`.",
      ),
    local: z.boolean().default(false).describe("Runs inside the engine's process; for one master on one machine."),
    maxBuilds: z
      .int()
      .positive()
      .default(1)
      .describe("Maximum number of builds at the same time, of different builders: each directory has one build."),
    capacity: z
      .int()
      .positive()
      .optional()
      .describe(
        "Maximum sum of the `weight` of the builders whose builds run on it at the same time; absent: any sum.",
      ),
    hours: weeklyHours.optional().describe("When builds may begin on it; running ones go on. Absent: at any time."),
    accepts: functionOf<Accepts>("a function (request) => true, or why not")
      .optional()
      .describe("Takes only requests for which this function returns true; it must answer immediately."),
    properties: z
      .record(z.string(), z.json())
      .default({})
      .describe("Properties of its builds, with the source Worker."),
    keepAlive: positiveDuration.optional().describe("Instead of the `keepAlive` of all workers."),
    missingTimeout: missingTimeout.optional().describe("Instead of the `missingTimeout` of all workers."),
    quarantineAfter: quarantineAfter.optional().describe("Instead of the `quarantineAfter` of all workers."),
    probationAfter: probationAfter.optional().describe("Instead of the `probationAfter` of all workers."),
    owner: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe("Who looks after it, best as a mail address: reports that it is missing name it."),
    note: z
      .string()
      .max(2000)
      .optional()
      .describe("What users should know about it, shown until one of them writes another note."),
  })
  .refine((worker) => worker.local || worker.password !== undefined || worker.passwordHash !== undefined, {
    path: ["password"],
    message: "a worker that connects needs a password",
    // This check runs even if other fields are invalid, so that all errors are reported together.
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .refine((worker) => worker.password === undefined || worker.passwordHash === undefined, {
    path: ["passwordHash"],
    message: "a worker has a password or the hash of one, not both",
  })
  .refine((worker) => worker.passwordMd5Sealed === undefined || worker.passwordHash !== undefined, {
    path: ["passwordMd5Sealed"],
    message: "belongs beside passwordHash",
  });

const options = z.strictObject({
  host: z.string().min(1).default("0.0.0.0").describe("Address the engine listens on for workers."),
  port: portChoice
    .prefault(9989)
    .describe("Port for workers, the first free one of several; 0 lets the system choose."),
  pb: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          port: portChoice.describe("Port for workers with the pb protocol alone, the first free one of several."),
          host: z.string().min(1).optional().describe("Address it listens on; absent: that of the worker port."),
        }),
      ],
      { error: "must be false, or an object with a port, such as { port: 9990 }" },
    )
    .optional()
    .describe(
      "Workers with buildbot-worker's default protocol, pb. Absent: they connect to the same port as the others; an object: to a port of their own, as a balancer in HTTP mode needs; false: to none.",
    ),
  keepAlive: positiveDuration
    .prefault("20s")
    .describe("How often workers are pinged; a worker that does not answer for three times as long is detached."),
  adoptWithin: duration
    .nullable()
    .prefault("1m")
    .describe(
      "How long the build of an engine that died waits for its worker to connect to another engine, if the worker keeps its command; null: it is run again immediately. See workers.md.",
    ),
  missingTimeout: missingTimeout
    .prefault("1h")
    .describe("A worker that was attached once and is away for so long is reported as missing; null: never."),
  quarantineAfter: quarantineAfter
    .default(3)
    .describe(
      "A worker gets no more builds when so many in a row lost their connection, or failed since its machine lacks disk space, memory or files; null: never. See workers.md.",
    ),
  probationAfter: probationAfter
    .prefault("1h")
    .describe(
      "After so long, one build is tried on a quarantined worker, and frees it unless it fails because of the worker; null: a user has to resume it.",
    ),
  tls: z
    .strictObject({
      certificate: z
        .string()
        .min(1)
        .describe("PEM file of the certificate and its chain, relative to the config; read again when it changes."),
      key: z.string().min(1).describe("PEM file of its private key, without a passphrase."),
    })
    .optional()
    .describe("The worker ports speak TLS (1.2 or newer), and nothing else; absent: plain text."),
  proxyProtocol: z
    .strictObject({
      from: z
        .array(network)
        .min(1)
        .describe("Networks of the balancers: connections from there must begin with the header, all others must not."),
    })
    .optional()
    .describe("Balancers that name the client's address in a header of the PROXY protocol, version 1 or 2."),
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
  sealingKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File with 32 random bytes in base64, relative to the config and the same for all engines: it seals what pb needs of hashed passwords.",
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
    .union([z.literal(false), positiveDuration], { error: 'must be false, or a time such as "10s"' })
    .prefault("10s")
    .describe(
      "How often an engine checks whether it has far more workers than other engines with the same builders; it then disconnects idle ones, which reconnect elsewhere. false: never.",
    ),
  builderOrder: z
    .union(
      [
        z.enum(["oldest request first", "longest unbuilt first"]),
        functionOf<BuilderOrder>("a function (builders) => all of them in order"),
      ],
      {
        error:
          'must be "oldest request first", "longest unbuilt first", or a function (builders) => all of them in order',
      },
    )
    .default("oldest request first")
    .describe(
      "Which builder gets a free worker first: that of the oldest request of the highest priority, that whose last build began longest ago, or by a function that returns all of them in order.",
    ),
  accounts: z
    .boolean()
    .default(false)
    .describe(
      "Accepts workers that `master worker add` or REST adds at run time too; builders name them like those of the config.",
    ),
  basedir: z.string().default("workers").describe("Where local workers keep their files, relative to the config."),
  workers: z.array(workerConfig).describe("The workers that may attach."),
  latent: z
    .array(descriptorOf("latent-worker"))
    .default([])
    .describe("Workers that are made on demand; builders name them as they name other workers."),
});

/** The workers that may attach, and where engines listen for them. */
export const workersSlice = options.refine((slice) => !isOnePort(slice), {
  path: ["pb", "port"],
  message:
    "is the port of the other workers: set another one, or leave pb out, and both protocols are taken on one port",
  // This check runs even if other fields are invalid, so that all errors are reported together.
  when: ({ value }) => typeof value === "object" && value !== null,
});

/** Whether both ports can only be the same one. A list with a second port leaves it to the other. */
function isOnePort({ host, port, pb }: { host?: unknown; port?: unknown; pb?: unknown }): boolean {
  const own = typeof pb === "object" && pb !== null ? (pb as { host?: unknown; port?: unknown }) : {};
  const [ports, ownPorts] = [port, own.port].map((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  if (ports?.length !== 1 || ownPorts?.length !== 1 || ports[0] !== ownPorts[0] || ports[0] === 0) return false;
  const hosts = [host, own.host ?? host];
  return hosts[0] === hosts[1] || hosts.some((one) => one === "0.0.0.0" || one === "::");
}

/** What holds for one worker: its own, or else what the slice says of all. */
export interface WorkerRules {
  /** All in milliseconds. Null: never. */
  readonly keepAlive: number;
  readonly missingTimeout: number | null;
  readonly quarantineAfter: number | null;
  readonly probationAfter: number | null;
}

/** The rules of a worker; of one that the slice does not name, those of all. */
export function rulesOfWorker(slice: WorkersSlice, worker: WorkerConfig | undefined): WorkerRules {
  const own = <K extends keyof WorkerRules>(name: K): WorkerRules[K] =>
    (worker?.[name] === undefined ? slice[name] : worker[name]) as WorkerRules[K];
  return {
    keepAlive: own("keepAlive"),
    missingTimeout: own("missingTimeout"),
    quarantineAfter: own("quarantineAfter"),
    probationAfter: own("probationAfter"),
  };
}

export type WorkerConfig = z.output<typeof workerConfig>;
export type WorkersSlice = z.output<typeof workersSlice>;
export type WorkersSliceInput = z.input<typeof workersSlice>;

/** Adds types to the `workers` slice of a config. */
export function defineWorkers(slice: WorkersSliceInput): WorkersSliceInput {
  return slice;
}

/** Risks in the workers slice. */
export function warningsOfWorkers(slice: WorkersSlice): ConfigWarning[] {
  return [
    ...warnOfSharedPasswords(slice),
    ...warnOfWeakPasswords(slice),
    ...warnOfInstancesBehindTls(slice),
    ...warningsOfWorkerRules(slice.workers, "workers"),
    ...warningsOfWorkerRules(
      slice.latent.map(({ options }) => options as RuledWorker),
      "latent",
    ),
  ];
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

/** Without an address of their own, instances connect to the address where the engine listens, which certificates seldom name. */
function warnOfInstancesBehindTls({ tls, latent }: WorkersSlice): ConfigWarning[] {
  if (tls === undefined) return [];
  return latent.flatMap(({ options }, i) =>
    (options as { masterUrl?: string }).masterUrl !== undefined
      ? []
      : [
          {
            path: ["latent", i, "masterUrl"],
            sentence:
              'is not set, so its instances connect to the address where the engine listens, and end unless the certificate names that and they trust it; set masterUrl: "wss://HOST:PORT" with a name of the certificate, and for one of your own authority also env: { NODE_EXTRA_CA_CERTS: "FILE" }',
          },
        ],
  );
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
