/**
 * What a room may import of the others; "data (types)" means only with `import type`, "data/client" only that entry of
 * the package.
 */
export const mayImport: Record<string, readonly string[]> = {
  core: [],
  config: ["core"],
  database: ["core"],
  bus: ["core"],
  wire: ["core"],
  cluster: ["core", "database", "bus"],
  // Of the cluster: the lease and its fence, and the shape of claims. What the cluster needs of it is handed in.
  lifecycle: ["core", "database", "cluster"],
  placement: ["core"],
  data: ["core", "database", "bus", "cluster", "lifecycle", "placement"],
  plugins: ["core", "config", "data (types)"],
  worker: ["core", "wire"],
  web: ["data (types)", "data/client", "core/linear-search"],
  operator: ["core", "config", "database", "bus", "cluster", "data", "plugins (types)"],
  // One role; what roles share lies in roles/*.ts.
  role: ["core", "cluster", "data", "placement", "config", "plugins", "wire", "roles"],
  // roles/*.ts and roles/master put a master together: they see everything, and the roles only through the registry.
  roles: [
    "core",
    "config",
    "database",
    "bus",
    "cluster",
    "lifecycle",
    "data",
    "plugins",
    "wire",
    "worker",
    "operator",
    "role",
  ],
  // Progress and status in the terminal are read as roles read: through the spine.
  cli: ["core", "config", "roles", "operator", "data", "worker"],
  // A user's config is data: it names plugins.
  configs: ["core", "config", "plugins"],
};

/** Why a room is as it is: shown when a rule about it is broken. */
export const reasons: Record<string, string> = {
  core: "core is what every room may use: it knows no other room",
  config: "a config is checked without a database, a bus or a role; what it needs of them belongs in core",
  database: "the database room holds rows only; what a row means belongs in cluster or data",
  bus: "the bus carries messages and knows no row; topics come from the events of data's resources",
  wire: "wire is the protocol between master and worker: it knows no row and no topic",
  cluster:
    "cluster is what a master is, below the nouns: what masters claim belongs in lifecycle, and is handed in; other nouns in data/resources",
  lifecycle:
    "lifecycle writes how things begin and end, on rows and under the lease; what the rest of the cluster sees of it belongs in data",
  placement: "placement is pure: what it needs to know comes in as a value, from memory or from rows",
  operator: "operator holds commands on a cluster that need no role; what runs in a master belongs in roles",
  data: "data is the spine that roles stand on: it knows neither roles nor plugins nor the worker protocol",
  plugins:
    "a plugin is one file that sees contracts only (core, config, types of data); what it needs at run time comes with its context",
  worker: "the worker program runs on other machines: it knows the protocol (wire) and core, never a master's parts",
  web: "the browser app sees types of data, its client and what core searches with, and reaches the rest over HTTP",
  role: "a role sees data, cluster and the contracts; rows are reached through data, never through database, bus or another role",
  roles: "roles/*.ts and roles/master put a master together out of packages",
  cli: "cli is the edge: it parses arguments and starts roles; what it does with rows belongs in roles or data",
  configs: "a config is data that names plugins, as a user would write it",
};

const below = ["model", "read", "resources"] as const;

interface DataRoom {
  readonly imports: readonly string[];
  /** It imports types alone, of anything outside its own folder. */
  readonly isTypesOnly?: boolean;
  readonly because: string;
}

/** The rooms of packages/data/src, lowest first: what each may import of the others, of types too. */
export const dataRooms: Record<string, DataRoom> = {
  model: { imports: [], because: "the model says what a noun, an event and a query are, and knows no noun" },
  read: { imports: ["model"], because: "read turns any resource into SQL and objects, and knows no noun" },
  waiting: { imports: ["model", "read"], because: "waiting explains from rows why something waits" },
  resources: {
    imports: ["model", "read", "waiting"],
    because: "a resource describes rows; who writes them, publishes them or acts on them stands above",
  },
  events: { imports: below, because: "events publish what the rows say; writing them is not theirs" },
  reports: { imports: below, because: "reports read what reporters may show; what is owed is written by updates" },
  updates: {
    imports: [...below, "events", "reports"],
    because: "an update writes rows and publishes; who may ask for it stands above",
  },
  actions: {
    imports: [...below, "updates"],
    because: "an action reads parameters and calls updates; HTTP stands above",
  },
  api: {
    imports: [...below, "events", "updates", "actions"],
    because: "the API puts resources and actions at paths",
  },
  client: {
    imports: [...below, "actions"],
    isTypesOnly: true,
    because: "browsers load the client: it knows nouns and actions by their types alone, and loads no code of a master",
  },
  audit: {
    imports: [],
    because: "the audit reads the tables by itself, so that it shares no mistake with those who write them",
  },
};

/** Third parties that live in one room (or few), so that replacing one is a change to that room. */
export const thirdParties: readonly { name: RegExp; rooms: readonly string[]; because: string }[] = [
  {
    name: /^(better-sqlite3|better-sqlite3-node20)$/,
    rooms: ["database"],
    because: "SQL lives in packages/database; add or use a store",
  },
  {
    name: /^pg$/,
    rooms: ["database", "bus"],
    because: "PostgreSQL is reached through packages/database (rows) or packages/bus (LISTEN/NOTIFY)",
  },
  { name: /^autobahn$/, rooms: ["bus"], because: "WAMP is one of three buses; use the contract of packages/bus" },
  { name: /^(koa$|koa-|@koa\/)/, rooms: ["roles/ui"], because: "only the ui serves HTTP" },
  { name: /^@msgpack\//, rooms: ["wire"], because: "frames are packages/wire's business" },
  {
    name: /^ws$/,
    rooms: ["bus", "wire", "worker", "roles/ui"],
    because: "sockets belong to the bus, the wire and the ui",
  },
  { name: /^jiti$/, rooms: ["config"], because: "loading a user's TypeScript is packages/config's business" },
  { name: /^(pino|prom-client)$/, rooms: ["core"], because: "log and metrics are words of core" },
  { name: /^(commander)$/, rooms: ["cli", "worker"], because: "only programs parse command lines" },
];

/** The room of a file, or undefined when no import rule binds it (tests, tools). */
export function findRoom(file: string): { kind: string; label: string } | undefined {
  const [top, second, third] = file.split("/");
  if (top === "packages" && second) return { kind: second, label: `packages/${second}` };
  if (top === "roles" && third && second !== "master") return { kind: "role", label: `roles/${second}` };
  if (top === "roles") return { kind: "roles", label: "roles" };
  if (top === "configs") return { kind: "configs", label: "configs" };
  return undefined;
}

/** The room that `@multimaster/NAME/…` means. */
export function findRoomOfPackage(specifier: string): { kind: string; label: string } {
  const [, name = "", first] = specifier.split("/");
  if (name !== "roles") return { kind: name, label: `packages/${name}` };
  const roleNames = ["scheduler", "builder-engine", "ui"];
  if (first && roleNames.includes(first)) return { kind: "role", label: `roles/${first}` };
  return { kind: "roles", label: "roles" };
}
