import { duration } from "@multimaster/core";
import { z } from "zod";
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

/** What `--builders` can name. */
const setName = z.string().regex(/^[^\s,\p{Cc}]+$/u, "the name of a builder set has no spaces or commas");

/** A name that stands for itself: a pattern would let in names that somebody else's DNS knows. */
const hostName = /^(?!.*\.\.)[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/i;

/** How masters wake each other. */
const busConfig = z
  .strictObject({
    router: z
      .string()
      .regex(/^wss?:\/\//, "must be a ws:// or wss:// URL")
      .optional()
      .describe("URL of the WAMP router (crossbar.io)."),
    realm: z.string().min(3).default("buildbot").describe("The router's realm in which the masters meet."),
    authid: z.string().default("master").describe("Name of the master at the router, with a ticket or a key."),
    ticket: z.string().optional().describe("Password of the master at the router, when it asks for one."),
    privateKey: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, "must be the 64 hexadecimal digits of an ed25519 key's seed")
      .optional()
      .describe("Key of the master at the router, which then knows only its public half (WAMP-cryptosign)."),
    notify: z.boolean().default(false).describe("Use PostgreSQL's LISTEN/NOTIFY instead of a router."),
    believeControl: z
      .boolean()
      .default(false)
      .describe(
        "Carry out what Buildbot's masters ask by a message alone: anyone who may publish at the router can then stop builds.",
      ),
    mute: z.boolean().default(false).describe("Send and hear nothing: the masters then only poll the database."),
  })
  .refine((bus) => bus.ticket === undefined || bus.privateKey === undefined, {
    path: ["privateKey"],
    message: "a master logs in with a ticket or with a key, not with both",
  });

/** Where every master answers `/health`, `/ready` and `/metrics`. */
const monitorConfig = z.strictObject({
  host: z.string().default("127.0.0.1").describe("Address to listen on; anyone who reaches it may read the figures."),
  port: portChoice.describe("The first free one of several, for the masters of one host; 0 lets the system choose."),
});

/** The cluster's config as loaded: what all masters share, and where the slices are. */
export const clusterConfig = z.strictObject({
  name: plainName(70).describe("Of the cluster."),
  url: z
    .url()
    .transform((url) => (url.endsWith("/") ? url : `${url}/`))
    .optional()
    .describe("The address at which users see the ui; links to builds begin with it."),
  allowedHosts: z
    .array(z.string().regex(hostName, "must be the name of a host, such as ci-internal.example.org, without a port"))
    .default([])
    .describe(
      "Names beside those of `url` and localhost by which browsers and programs may ask the ui and the monitor.",
    ),
  database: z
    .string("must be sqlite:FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME; is an environment variable not set?")
    .describe("sqlite:FILE (relative to the config file) or postgresql://USER:PASSWORD@HOST:PORT/NAME."),
  databaseConnections: z
    .int()
    .min(1)
    .default(10)
    .describe("Most connections of a master to PostgreSQL at once, beside its heartbeat's own."),
  bus: busConfig.prefault({}).describe("Absent: in-process, for one master."),
  lease: duration.prefault("15s").describe("How long a silent master is believed to live."),
  drainDeadline: duration
    .optional()
    .describe("Running builds are requeued when a graceful stop takes longer; no limit by default."),
  monitor: monitorConfig
    .optional()
    .describe("Where each master, whatever its roles, tells how it is; absent: nowhere."),
  scheduler: slice<SchedulerSliceInput>().optional().describe("Loads the slice of the scheduler role."),
  builders: z
    .record(setName, slice<BuildersSliceInput>())
    .default({})
    .describe("Builder sets by name; each loads its builders."),
  workers: slice<WorkersSliceInput>().optional().describe("Loads the workers, which engines know."),
  ui: slice<UiSliceInput>().optional().describe("Loads the slice of the ui role."),
});

/** The names by which masters of this cluster may be asked. */
export function hostNamesOf({
  url,
  allowedHosts = [],
}: Partial<Pick<ClusterConfig, "url" | "allowedHosts">>): string[] {
  return [...(url === undefined ? [] : [new URL(url).hostname]), ...allowedHosts];
}

export type ClusterConfig = z.output<typeof clusterConfig>;
export type ClusterConfigInput = z.input<typeof clusterConfig>;

/** Describes a cluster. It only gives types: nothing is checked or started until a master loads it. */
export function defineCluster(config: ClusterConfigInput): ClusterConfigInput {
  return config;
}
