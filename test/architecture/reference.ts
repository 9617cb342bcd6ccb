import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildersSlice, clusterConfig, schedulerSlice, uiSlice, workersSlice } from "@multimaster/config";
import { z } from "zod";
import { root } from "./source-files.ts";

/** As much of a JSON schema as the reference shows. */
interface Shown {
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Shown[];
  items?: Shown;
  properties?: Record<string, Shown>;
  required?: string[];
  additionalProperties?: Shown | boolean;
}

interface Plugin {
  readonly type: string;
  readonly options: z.ZodType;
  /** Of a step, the options once rendered. */
  readonly rendered?: z.ZodType;
  /** Of a reporter, what it reports if its options do not say, and what it can report at all. */
  readonly events?: readonly string[];
  readonly reports?: readonly string[];
}

/** The kinds of plugins: folder, title, and what to know of all of them. */
export const kinds = [
  ["steps", "Steps", "Every option but the name and the rules may be a function of the build."],
  ["schedulers", "Schedulers", "Each runs on one scheduler master at a time."],
  ["change-sources", "Change sources", "Each runs on one scheduler master at a time."],
  ["hooks", "Webhooks", "They answer at `/change_hook/<type>` of every ui master ([webhooks.md](../webhooks.md))."],
  [
    "latent-workers",
    "Latent workers",
    "They are listed in `latent` of the workers slice ([latent-workers.md](../latent-workers.md)). Options that are functions of the build request make each instance for one request.",
  ],
  [
    "reporters",
    "Reporters",
    "They are listed in `reporters` of the scheduling slice ([reporters.md](../reporters.md)). Each runs on one scheduler master at a time.",
  ],
  [
    "secrets",
    "Secret providers",
    "They are listed in `secretProviders` of a builder set ([secrets.md](../secrets.md#providers)). Those that are there when the config is loaded may also stand in `secrets`.",
  ],
  [
    "artifact-stores",
    "Artifact stores",
    "One of them is the `artifacts.store` of the cluster ([artifacts.md](../artifacts.md)).",
  ],
  ["auth", "Logins", "One of them is the `auth` of the ui slice ([login.md](../login.md))."],
] as const;

/** Files of a folder of plugins that are no plugin but parts of some. */
const parts = new Set([
  "change-driven",
  "change-filter",
  "check-choice",
  "classify-changes",
  "contain-functions",
  "deliver-each",
  "event-context",
  "forge-shape",
  "guard-calls",
  "limit-time",
  "planned-buildset",
  "problems",
  "reporter-options",
  "returned-value",
  "scheduler-options",
  "triggered-buildset",
  "wants-event",
]);

export function pluginFiles(folder: string): string[] {
  const files = readdirSync(join(root, "packages/plugins/src", folder)).filter((file) => /^[a-z0-9-]+\.ts$/.test(file));
  return files.map((file) => file.replace(/\.ts$/, "")).filter((name) => !parts.has(name));
}

const show = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { unrepresentable: "any", io: "input", reused: "inline" }) as Shown;

/** The options of a plugin; undefined for one that has none of its own. */
async function readPlugin(folder: string, name: string): Promise<Plugin | undefined> {
  const { default: factory } = (await import(`../../packages/plugins/src/${folder}/${name}.ts`)) as {
    default: (options: object) => { plugin: Plugin };
  };
  // A factory for one provider may read its options immediately.
  return factory({ url: "https://login.example", realm: "example" }).plugin;
}

/** Options without a description, as paths. */
export const undescribed: string[] = [];

function typeOf(schema: Shown): string {
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" or ");
  if (schema.type === "array") return `list of ${schema.items ? typeOf(schema.items) : "values"}`;
  if (schema.type === "object") return schema.properties ? "object" : "object by name";
  if (Array.isArray(schema.type)) return schema.type.join(" or ");
  return schema.type ?? "value or function";
}

function rows(schema: Shown, path: string, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    if (!option.description) undescribed.push(`${path}.${prefix}${name}`);
    const isRequired = schema.required?.includes(name) === true && option.default === undefined;
    const otherwise =
      option.default === undefined ? (isRequired ? "required" : "") : `\`${JSON.stringify(option.default)}\``;
    const cells = [`\`${prefix}${name}\``, typeOf(option), otherwise, option.description ?? ""];
    const inner = [option, option.items, ...(option.anyOf ?? [])].find((one) => one?.properties);
    const deeper = inner ? rows(inner, path, `${prefix}${name}${option.items ? "[]" : ""}.`) : [];
    return [`| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`, ...deeper];
  });
}

function table(schema: Shown, path: string): string[] {
  const all = rows(schema, path);
  return all.length === 0
    ? ["It has no options.", ""]
    : ["| option | type | default | what it does |", "| --- | --- | --- | --- |", ...all, ""];
}

function showPlugin({ options, rendered, events, reports }: Plugin): Shown {
  const shown = show(rendered ?? options);
  const { properties } = shown;
  if (!events || !properties?.["events"]) return shown;
  const own = { ...properties["events"], default: events, ...(reports && { items: { enum: [...reports] } }) };
  return { ...shown, properties: { ...properties, events: own } };
}

async function renderKind([folder, title, about]: (typeof kinds)[number]): Promise<string> {
  const sections: string[] = [];
  for (const name of pluginFiles(folder)) {
    const plugin = await readPlugin(folder, name);
    sections.push(`## ${name}`, "", `\`import … from "@multimaster/plugins/${folder}/${name}"\``, "");
    sections.push(...table(plugin ? showPlugin(plugin) : {}, `${folder}/${name}`));
  }
  return [`# ${title}`, "", about, "", ...sections].join("\n");
}

const slices = [
  ["The cluster (`defineCluster`)", clusterConfig],
  ["Builders (`defineBuilders`)", buildersSlice],
  ["Scheduling (`defineScheduling`)", schedulerSlice],
  ["Workers (`defineWorkers`)", workersSlice],
  ["Pages, hooks and login (`defineUi`)", uiSlice],
] as const;

function renderConfig(): string {
  const sections = slices.flatMap(([title, schema]) => [`## ${title}`, "", ...table(show(schema), title)]);
  return ["# The config", "", "How to write one: [config.md](../config.md).", "", ...sections].join("\n");
}

/** Every page by its name. */
export async function renderReference(): Promise<Map<string, string>> {
  const pages = new Map([["config.md", renderConfig()]]);
  for (const kind of kinds) pages.set(`${kind[0]}.md`, await renderKind(kind));
  const index = [...kinds.map(([folder, title]) => `- [${title}](${folder}.md)`), "- [The config](config.md)"];
  pages.set(
    "README.md",
    ["# Reference", "", "Every option there is, from the schemas that check a config.", "", ...index, ""].join("\n"),
  );
  return pages;
}
