import { duration } from "@multimaster/core";
import { z } from "zod";
import { artifactsConfig } from "./artifacts.ts";
import { collapseOption } from "./collapsing.ts";
import { onMasterConfig } from "./on-master.ts";
import { plainName } from "./plain-name.ts";
import { portChoice } from "./port.ts";
import type { BuildersSliceInput } from "./slices/builders.ts";
import type { SchedulerSliceInput } from "./slices/scheduler.ts";
import type { UiSliceInput } from "./slices/ui.ts";
import type { WorkersSliceInput } from "./slices/workers.ts";

type Slice<T> = () => Promise<{ default: T }>;

const slice = <T>() =>
  z.custom<Slice<T>>((value) => typeof value === "function", {
    message: 'must be a function such as () => import("./file.ts")',
  });

/** A name that `--builders` accepts. */
const setName = z.string().regex(/^[^\s,\p{Cc}]+$/u, "the name of a builder set has no spaces or commas");

/** A full name without wildcards: a wildcard would accept names in someone else's DNS. */
const hostName = /^(?!.*\.\.)[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/i;

/** How masters wake each other. */
const busConfig = z
  .strictObject({
    router: z
      .string()
      .regex(/^wss?:\/\//, "must be a ws:// or wss:// URL")
      .optional()
      .describe("URL of the WAMP router (crossbar.io)."),
    realm: z.string().min(3).default("buildbot").describe("The router's realm that the masters join."),
    authid: z.string().default("master").describe("Name of the master at the router, with a ticket or a key."),
    ticket: z.string().optional().describe("Password of the master at the router, if it requires one."),
    privateKey: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "must be the 64 hexadecimal digits of an ed25519 key's seed")
      .optional()
      .describe("Private key of the master; the router has only its public half (WAMP-cryptosign)."),
    notify: z
      .boolean()
      .optional()
      .describe(
        "PostgreSQL's LISTEN/NOTIFY: `true` uses it instead of a router; beside a router it wakes masters while that is unreachable, unless `false`.",
      ),
    believeControl: z
      .boolean()
      .default(false)
      .describe(
        "Carry out requests that Buildbot's masters send by a message alone: anyone who may publish at the router can then stop builds.",
      ),
    mute: z.boolean().default(false).describe("Send and receive no messages: the masters only poll the database."),
  })
  .refine((bus) => bus.ticket === undefined || bus.privateKey === undefined, {
    path: ["privateKey"],
    message: "a master logs in with a ticket or with a key, not with both",
  });

/** The address where every master serves `/health`, `/ready` and `/metrics`. */
const monitorConfig = z.strictObject({
  host: z.string().default("127.0.0.1").describe("Address to listen on; anyone who can connect may read the figures."),
  port: portChoice.describe("The first free one of several, for the masters of one host; 0 lets the system choose."),
});

/** The cluster's config as loaded: the part shared by all masters, and functions that load the slices. */
export const clusterConfig = z.strictObject({
  name: plainName(70).describe("The cluster's name."),
  url: z
    .url()
    .transform((url) => (url.endsWith("/") ? url : `${url}/`))
    .optional()
    .describe("The URL at which users open the ui; links to builds begin with it."),
  allowedHosts: z
    .array(z.string().regex(hostName, "must be the name of a host, such as ci-internal.example.org, without a port"))
    .default([])
    .describe(
      "Further host names, beside that of `url` and localhost, for which the ui and the monitor answer requests.",
    ),
  database: z
    .string("must be sqlite:FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME; is an environment variable not set?")
    .describe("sqlite:FILE (relative to the config file) or postgresql://USER:PASSWORD@HOST:PORT/NAME."),
  databaseConnections: z
    .int()
    .min(1)
    .default(10)
    .describe("Maximum number of a master's connections to PostgreSQL; its heartbeat has one more."),
  bus: busConfig.prefault({}).describe("Messages between masters; absent: in-process, for one master."),
  collapseRequests: collapseOption
    .default(false)
    .describe(
      "Whether compatible pending requests of a builder collapse into the newest one, or a function that decides; builders may differ. Buildbot's default is true.",
    ),
  artifacts: artifactsConfig
    .optional()
    .describe(
      "The store of the files that builds leave, and of their caches; absent: there is none, and steps that need it fail.",
    ),
  onMaster: onMasterConfig
    .prefault({})
    .describe(
      "What steps may do on the machines of the masters: nothing by default, and never in builds of a fork's code.",
    ),
  lease: duration.prefault("15s").describe("A master that does not renew its lease for this long is evicted."),
  drainDeadline: duration
    .optional()
    .describe("If a graceful stop takes longer, running builds are requeued; no limit by default."),
  monitor: monitorConfig.optional().describe("Port for health checks and metrics, on every master; absent: none."),
  scheduler: slice<SchedulerSliceInput>().optional().describe("Loads the slice of the scheduler role."),
  builders: z
    .record(setName, slice<BuildersSliceInput>())
    .default({})
    .describe("Builder sets by name; each loads its builders."),
  workers: slice<WorkersSliceInput>().optional().describe("Loads the workers that may attach to engines."),
  ui: slice<UiSliceInput>().optional().describe("Loads the slice of the ui role."),
});

/** The host names for which masters of this cluster answer requests. */
export function hostNamesOf({
  url,
  allowedHosts = [],
}: Partial<Pick<ClusterConfig, "url" | "allowedHosts">>): string[] {
  return [...(url === undefined ? [] : [new URL(url).hostname]), ...allowedHosts];
}

export type ClusterConfig = z.output<typeof clusterConfig>;
export type ClusterConfigInput = z.input<typeof clusterConfig>;

/** Describes a cluster. It only adds types: a master checks the config when it loads it. */
export function defineCluster(config: ClusterConfigInput): ClusterConfigInput {
  return config;
}
