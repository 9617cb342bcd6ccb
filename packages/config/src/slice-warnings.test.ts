import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { checkConfig } from "./check-config.ts";
import { type LoadedConfig, loadConfig } from "./load-config.ts";
import type { PluginDefinition, PluginKind } from "./plugin.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "multimaster-warnings-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A plugin of each kind that warns of its option `open`; configs find it as a global. */
function risky(kind: PluginKind): PluginDefinition {
  return {
    kind,
    type: `risky-${kind}`,
    options: z.object({ name: z.string().default("n"), open: z.boolean() }),
    warnings: (options) =>
      (options as { open: boolean }).open ? [{ path: ["open"], sentence: `opens the ${kind}` }] : [],
  };
}
const kinds: readonly PluginKind[] = ["step", "scheduler", "change-source", "hook", "auth"];
Object.assign(globalThis, { risky: { ...Object.fromEntries(kinds.map((kind) => [kind, risky(kind)])), any: z.any() } });

const use = (kind: PluginKind, open = true) => `{ plugin: risky["${kind}"], options: { open: ${open} } }`;

function load(cluster = 'name: "x"'): Promise<LoadedConfig> {
  const files = {
    "cluster.ts": `export default { ${cluster}, database: "sqlite:x.sqlite", scheduler: () => import("./scheduler.ts"),
      builders: { one: () => import("./one.ts"), two: () => import("./two.ts") },
      workers: () => import("./workers.ts"), ui: () => import("./ui.ts") };`,
    "scheduler.ts": `export default { changeSources: [${use("change-source")}], schedulers: [${use("scheduler")}] };`,
    "one.ts": `export default { builders: [{ name: "a", workers: ["w"], steps: [${use("step", false)}, ${use("step")}] }] };`,
    "two.ts": `export default { builders: [{ name: "b", workers: ["w"], steps: [${use("step")}] }] };`,
    "workers.ts": `export default { workers: [{ name: "w", password: "same-long-password" }, { name: "v", password: "same-long-password" }] };`,
    "ui.ts": `export default { changeHookAuth: { user: "u", password: "long enough" }, hooks: [${use("hook")}], auth: ${use("auth")} };`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return loadConfig(join(directory, "cluster.ts"), { alsoCheck: checkConfig });
}

const short = (lines: readonly string[]) => lines.map((text) => text.replaceAll(`${directory}/`, ""));

const ofBuilderTwo = "two.ts: builders[0].steps[0].open: opens the step";
const all = [
  "scheduler.ts: changeSources[0].open: opens the change-source",
  "scheduler.ts: schedulers[0].open: opens the scheduler",
  "one.ts: builders[0].steps[1].open: opens the step",
  ofBuilderTwo,
  expect.stringMatching(/^workers\.ts: workers\[0\]\.password: is also the password of workers\[1\]/),
  "ui.ts: hooks[0].open: opens the hook",
  "ui.ts: auth.open: opens the auth",
];

it("warns of instances that are always kept and that no builder can use, once all builders are loaded", async () => {
  const { plugin, options } = { plugin: risky("latent-worker"), options: { name: "pool", open: false } };
  const latents = z.object({ name: z.string(), open: z.boolean(), minInstances: z.int().default(2) }).loose();
  Object.assign((globalThis as unknown as { risky: object }).risky, {
    latent: { plugin: { ...plugin, options: latents }, options },
  });
  const config = await load();
  writeFileSync(
    join(directory, "workers.ts"),
    `export default { workers: [{ name: "w", password: "a long password" }], latent: [risky.latent] };`,
  );
  const pool = /^workers\.ts: latent\[0\]\.minInstances: no builder names "pool" among its workers, so none of its 2/;
  await config.workers();
  await config.builders(["one"]);
  expect(short(config.warnings()).filter((line) => pool.test(line))).toEqual([]);
  await config.builders("all");
  expect(short(config.warnings()).filter((line) => pool.test(line))).toHaveLength(1);
  const two = `export default { builders: [{ name: "b", workers: ["pool"], steps: [${use("step", false)}] }] };`;
  const other = await load();
  writeFileSync(join(directory, "workers.ts"), "export default { workers: [], latent: [risky.latent] };");
  writeFileSync(join(directory, "two.ts"), two);
  await Promise.all([other.workers(), other.builders("all")]);
  expect(short(other.warnings()).filter((line) => pool.test(line))).toEqual([]);
});

it("warns of what every kind of plugin warns of, with file and path", async () => {
  const { warnings } = await checkConfig(await load());
  expect(short(warnings)).toEqual(all);
});

it("warns a role only of the slices that it loaded, and of each once", async () => {
  const config = await load();
  expect(config.warnings()).toEqual([]);
  await config.builders(["two"]);
  await config.builders(["two"]);
  expect(short(config.warnings())).toEqual([ofBuilderTwo]);
});

it("lists warnings after errors, wherever the errors are", async () => {
  const thrown = await load("name: 3").catch((error: Error) => error);
  const [head, error, second, ...rest] = short(String((thrown as Error).message).split("\n"));
  expect([head, error, second]).toEqual([
    "The config has an error:",
    expect.stringContaining("cluster.ts: name:"),
    "It also has 7 warnings:",
  ]);
  expect(rest.map((line) => line.trim())).toEqual(all);
});

/** Warnings of a config whose slices are these, as path and the beginning of the sentence. */
async function warn(slices: Record<string, string>, cluster = "") {
  for (const [name, text] of Object.entries(slices)) writeFileSync(join(directory, `${name}.ts`), text);
  const parts = Object.keys(slices).map((name) =>
    name === "web" ? `builders: { web: () => import("./web.ts") }` : `${name}: () => import("./${name}.ts")`,
  );
  writeFileSync(
    join(directory, "cluster.ts"),
    `${cluster.includes("env(") ? 'import { env } from "@multimaster/config";' : ""}
     export default { name: "x", database: "sqlite:x.sqlite", ${[...parts, cluster].join(", ")} };`,
  );
  const config = await loadConfig(join(directory, "cluster.ts"), {
    packages: { "@multimaster/config": join(import.meta.dirname, "index.ts") },
    alsoCheck: checkConfig,
  });
  return short((await checkConfig(config)).warnings);
}

const builders = (more = "") =>
  `export default { ${more} builders: [{ name: "a", workers: ["w"], steps: [${use("step", false)}] }] };`;

it("warns of a local worker beside secrets", async () => {
  const workers = 'export default { workers: [{ name: "w", local: true }] };';
  expect(await warn({ web: builders(), workers })).toEqual([]);
  expect(await warn({ web: builders('secrets: { token: "12345678" },'), workers })).toEqual([
    expect.stringMatching(/^workers\.ts: workers\[0\]\.local: its builds run as this master's user/),
  ]);
});

it("warns of passwords within addresses, in whatever option", async () => {
  const source = (options: string) =>
    `const plugin = { ...risky["change-source"], options: risky.any, warnings: undefined, nameOf: () => "n" };
     export default { changeSources: [{ plugin, options: ${options} }] };`;
  for (const options of [
    '{ repository: "https://ci:s3cret@example.org/x.git" }',
    '{ repository: "https://:s3cret@example.org/x.git" }',
    '{ deep: [{ repository: "SSH://ci:s3cret@example.org/x" }] }',
  ])
    expect(await warn({ scheduler: source(options) })).toEqual([
      expect.stringContaining("contains a password in a URL"),
    ]);
  for (const url of ["https://ci@example.org/x", "https://example.org:443/x@y", "git@example.org:x/y", "/a:b@c"])
    expect(await warn({ scheduler: source(JSON.stringify({ repository: url })) })).toEqual([]);
});

it("warns of fallbacks of variables that are named like secrets, set or not", async () => {
  const fallback = (name: string) =>
    expect.stringMatching(
      new RegExp(`: env\\("${name}", …\\) has a fallback, which everyone who can read the config knows`),
    );
  expect(await warn({}, 'bus: { ticket: env("WAMP_TICKET", "x"), router: env("WAMP_ROUTER", "ws://h") }')).toEqual([
    fallback("WAMP_TICKET"),
  ]);
  process.env["A_PASSWORD"] = "a long value that is set";
  onTestFinished(() => void delete process.env["A_PASSWORD"]);
  const named = ["A_PASSWORD", "WORKER_PASS", "CI_TOKEN", "HOOK_SECRET", "API_KEY", "PRIVATE_KEY"];
  const calls = [...named, "PASSENGER"].map((name) => `env("${name}", "a long fallback")`);
  const workers = `import { env } from "@multimaster/config";
     void [${calls.join(", ")}, env("B_PASSWORD"), env("C_PASSWORD", "")];
     export default { workers: [{ name: "w", password: env("A_PASSWORD") }] };`;
  expect(await warn({ workers })).toEqual(named.map(fallback));
});

it("warns where reports would link to this machine, because the address of the pages is missing", async () => {
  Object.assign(globalThis, { reporterOfTest: risky("reporter") });
  const warningsOf = async (url: string) => {
    const directory = mkdtempSync(join(tmpdir(), "multimaster-links-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "cluster.ts");
    const reporter = "{ plugin: reporterOfTest, options: { open: false } }";
    writeFileSync(
      file,
      `export default { name: "x", database: "sqlite:x.sqlite", ${url} scheduler: async () => ({ default: { reporters: [${reporter}] } }) };`,
    );
    const config = await loadConfig(file);
    await config.scheduler();
    return config.warnings();
  };
  expect(await warningsOf("")).toContainEqual(
    expect.stringContaining(": url: is missing: reports link to http://localhost:8010/"),
  );
  expect(await warningsOf('url: "https://ci.example.org/",')).toEqual([]);
});
