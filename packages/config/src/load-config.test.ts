import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkConfig } from "./check-config.ts";
import { loadConfig } from "./load-config.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "multimaster-config-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return join(directory, "cluster.ts");
}

const shared = 'name: "x", database: "sqlite:state/x.sqlite"';
const workers = '({ default: { workers: [{ name: "w1", local: true }] } })';

async function problems(load: Promise<unknown>): Promise<string[]> {
  const error = await load.then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { problems?: string[] },
  );
  return (error?.problems ?? []).map((text) => text.replaceAll(`${directory}/`, ""));
}

describe("a config", () => {
  it("is TypeScript, and its SQLite file is found beside it", async () => {
    const config = await loadConfig(
      write({ "cluster.ts": `enum X { A }\nconst n: number = X.A;\nexport default { ${shared}, lease: n + 5 };` }),
    );
    expect(config.shared).toMatchObject({ database: `sqlite:${join(directory, "state/x.sqlite")}`, lease: 5000 });
  });

  it("evaluates a slice only when it is asked for, and once", async () => {
    const config = await loadConfig(
      write({
        "cluster.ts": `export default { ${shared}, ui: () => import("./ui.ts"), scheduler: () => import("./scheduler.ts") };`,
        "ui.ts": "globalThis.evaluations = (globalThis.evaluations ?? 0) + 1; export default {};",
        "scheduler.ts": 'throw new Error("not asked for");',
      }),
    );
    await Promise.all([config.ui(), config.ui()]);
    expect((globalThis as { evaluations?: number }).evaluations).toBe(1);
  });

  it("that cannot be loaded says so with its file", async () => {
    const broken = loadConfig(write({ "cluster.ts": "export default {" }));
    expect(await problems(broken)).toEqual([expect.stringMatching(/^cluster.ts: cannot be loaded: .*/)]);
    expect(await problems(loadConfig(write({ "cluster.ts": "export const x = 1;" })))).toEqual([
      expect.stringContaining("cluster.ts: has no default export"),
    ]);
  });

  it("lists the errors of all its files at once", async () => {
    const file = write({
      "cluster.ts": `export default { name: 3, ui: () => import("./ui.ts"), workers: () => import("./workers.ts") };`,
      "ui.ts": 'export default { port: "80", hots: 1 };',
      "workers.ts": 'export default { workers: [{ name: "a b" }] };',
    });
    expect((await problems(loadConfig(file, { alsoCheck: checkConfig }))).toSorted()).toEqual([
      "cluster.ts: database: must be sqlite:FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME; is an environment variable not set?",
      "cluster.ts: name: expected string, received number",
      expect.stringMatching(/^ui\.ts: hots: unknown option \(have: host, port, /),
      'ui.ts: port: must be a port, a list of ports, or a range such as "9989-9992"',
      "workers.ts: workers[0].name: must be a letter, then letters, digits, '.', '_' or '-'",
      "workers.ts: workers[0].password: a worker that connects needs a password",
    ]);
  });

  it("lists what is wrong between parts together with what is wrong in others, by place, and blames no part for another's error", async () => {
    const plugins = `
      const any = { safeParse: (data) => ({ success: true, data }) };
      const strict = { safeParse: (data) => data.wrong === undefined ? { success: true, data } : {
        success: false, error: { issues: [{ code: "custom", path: ["wrong"], message: "is wrong" }] } } };
      const after = (name, builders, upstream = [], more = {}) => ({ options: { name, builders, upstream, ...more }, plugin: {
        kind: "scheduler", type: "After", options: strict, triggerable: true,
        builderNames: (own) => own.builders, upstreams: (own) => own.upstream } });
      const trigger = (name) => ({ plugin: { kind: "step", type: "trigger", options: any, triggers: () => [name] }, options: {} });`;
    const file = write({
      "cluster.ts": `export default { ${shared}, builders: { a: () => import("./a.ts") },
        workers: () => import("./workers.ts"), scheduler: () => import("./scheduler.ts") };`,
      "a.ts": `${plugins}
        const lock = { name: "db", scope: "cluster", max: 1 };
        export default { builders: [
          { name: "one", workers: ["w1", "w9"], steps: [trigger("chain")], locks: [{ lock, mode: "counting", count: 2 }] },
          { name: "two", workers: ["w2"], steps: [trigger("nowhere")], maxBuilds: 0 },
          { name: "one", workers: ["w1"], steps: [trigger("bad")] },
        ] };`,
      "workers.ts": 'export default { port: "x", workers: [{ name: "w1", local: true }, { name: "w2" }] };',
      "scheduler.ts": `${plugins}
        export default { schedulers: [
          after("chain", ["two"], ["round"]), after("round", ["three"], ["chain"]),
          after("bad", ["one"], [], { wrong: 1 }), after("last", ["one"], ["bad", "gone"]),
        ] };`,
    });
    expect(await problems(loadConfig(file).then(checkConfig))).toEqual([
      "a.ts: builders[0].locks[0].count: must be at most 1, which is all of the lock",
      'a.ts: builders[0].workers: no worker "w9" (have: w1, w2)',
      "a.ts: builders[1].maxBuilds: must be greater than 0",
      'a.ts: builders[1].steps[0]: no triggerable scheduler "nowhere" (have: chain, round, bad, last)',
      'a.ts: builders[2].name: the builder "one" is already defined at a.ts: builders[0]',
      'scheduler.ts: schedulers[0].upstream: "chain" waits for itself, directly or through others: it would build for ever',
      'scheduler.ts: schedulers[1].builders: no builder "three" (have: one, two)',
      'scheduler.ts: schedulers[1].upstream: "round" waits for itself, directly or through others: it would build for ever',
      "scheduler.ts: schedulers[2].wrong: is wrong (option of After)",
      'scheduler.ts: schedulers[3].upstream: no scheduler "gone" (have: chain, round, bad, last)',
      'workers.ts: port: must be a port, a list of ports, or a range such as "9989-9992"',
      "workers.ts: workers[1].password: a worker that connects needs a password",
    ]);
  });

  it("takes no name for unknown while a part has none that can be read", async () => {
    const file = write({
      "cluster.ts": `export default { ${shared}, builders: { a: () => import("./a.ts") }, workers: () => import("./workers.ts") };`,
      "a.ts": `const plugin = { kind: "step", type: "t", options: { safeParse: (data) => ({ success: true, data }) } };
        export default { builders: [{ name: "b", workers: ["w1", "w2"], steps: [{ plugin, options: {} }] }] };`,
      "workers.ts": 'export default { workers: [{ name: "w1", local: true }, { nmae: "w2", local: true }] };',
    });
    expect(await problems(loadConfig(file).then(checkConfig))).toEqual([
      expect.stringContaining("workers.ts: workers[1].name: is missing"),
      expect.stringContaining("workers.ts: workers[1].nmae: unknown option"),
    ]);
  });

  it("names the file of every slice, also in what is wrong between two slices", async () => {
    const builder = '{ name: "b", workers: ["w2"], steps: [] }';
    const file = write({
      "cluster.ts": `export default { ${shared}, builders: { a: () => import("./a.ts"), b: () => import("./b.ts") },
        workers: () => import("./workers.ts") };`,
      "a.ts": `export default { builders: [${builder.replace("w2", "w1").replace("[] }", "[step] }")}] };
        const step = { plugin: { kind: "step", type: "t", options: { safeParse: (data) => ({ success: true, data }) } } };`
        .split("\n")
        .reverse()
        .join("\n"),
      "workers.ts": `export default ${workers}.default;`,
      "b.ts": 'export { default } from "./a.ts";',
    });
    expect(await problems(checkConfig(await loadConfig(file)))).toEqual([
      expect.stringMatching(
        /^b\.ts: builders\[0\]\.name: the builder "b" is already defined at .*a\.ts: builders\[0\]$/,
      ),
    ]);
  });

  it("distinguishes an empty value from a missing one, and names the valid words", async () => {
    const file = write({
      "cluster.ts": `export default { ${shared}, ui: () => import("./ui.ts"), workers: () => import("./workers.ts") };`,
      "workers.ts": "export default { basedir: 3 };",
      "ui.ts": `export default { title: null, authorization: { otherwise: "maybe", roles: {}, rules: [
        { allow: "raed", on: "builds", to: ["anyone"] }, { allow: "read", on: process.env.NOT_SET_HERE, to: ["anyone"] }] } };`,
    });
    expect(await problems(loadConfig(file).then(checkConfig))).toEqual([
      'ui.ts: authorization.otherwise: must be one of "allow", "deny"',
      expect.stringMatching(/^ui\.ts: authorization\.rules\[0\]\.allow: must be one of "read", "force", /),
      expect.stringMatching(/^ui\.ts: authorization\.rules\[1\]\.on: must be one of /),
      "ui.ts: title: expected string, received null",
      "workers.ts: basedir: expected string, received number",
      "workers.ts: workers: is missing; expected array",
    ]);
  });

  it("says by its own name which import does not exist, and near which line its code failed", async () => {
    const config = (text: string) =>
      loadConfig(write({ "cluster.ts": text }), { packages: { "@x/plugins": "/nowhere" } });
    expect(await problems(config('import git from "@x/plugins/steps/gti";\nexport default git;'))).toEqual([
      'cluster.ts: cannot be loaded: there is no module "@x/plugins/steps/gti"; docs/reference names all plugins',
    ]);
    expect(await problems(config("export default undefinedName;"))).toEqual([
      "cluster.ts: cannot be loaded: undefinedName is not defined (near cluster.ts:1)",
    ]);
  });

  it("whose promise rejects, or whose slice stands in it, says where", async () => {
    const rejecting = loadConfig(write({ "cluster.ts": 'export default Promise.reject(new Error("no secret"));' }));
    expect(await problems(rejecting)).toEqual(["cluster.ts: cannot be loaded: no secret (near cluster.ts:1)"]);
    const config = await loadConfig(
      write({ "cluster.ts": `export default { ${shared}, ui: async () => ({ default: { port: "80" } }) };` }),
    );
    expect(await problems(config.ui())).toEqual([
      'cluster.ts: ui: port: must be a port, a list of ports, or a range such as "9989-9992"',
    ]);
  });

  it("refuses names that no database or command line can take", async () => {
    const file = write({
      "cluster.ts": `export default { ${shared}, builders: { "web,db": async () => ({ default: {
        builders: [{ name: "te\\0st", workers: ["w1"], steps: [] }, { name: "  ", workers: ["w1"], steps: [] }] } }) } };`,
    });
    expect(
      (await problems(loadConfig(file, { alsoCheck: checkConfig }))).filter((text) => !text.includes("steps")),
    ).toEqual([
      "cluster.ts: builders.web,db: the name of a builder set has no spaces or commas",
      "cluster.ts: builders.web,db: builders[0].name: must not be blank or contain control characters",
      "cluster.ts: builders.web,db: builders[1].name: must not be blank or contain control characters",
    ]);
  });

  it("names the worker or builder that is not there, and what there is", async () => {
    const step =
      '({ plugin: { kind: "step", type: "t", options: { safeParse: (data) => ({ success: true, data }) } }, options: {} })';
    const scheduler = `({ plugin: { kind: "scheduler", type: "s", options: { safeParse: (data) => ({ success: true, data }) },
      builderNames: (options) => options.builders }, options: { name: "s", builders: ["tset"] } })`;
    const config = await loadConfig(
      write({
        "cluster.ts": `export default { ${shared},
          scheduler: async () => ({ default: { schedulers: [${scheduler}] } }),
          builders: { a: async () => ({ default: { builders: [
            { name: "test", workers: ["w2"], steps: [${step}] }, { name: "test", workers: ["w1"], steps: [${step}] }] } }) },
          workers: async () => ${workers} };`,
      }),
    );
    expect(await problems(checkConfig(config))).toEqual([
      'cluster.ts: builders.a: builders[0].workers: no worker "w2" (have: w1)',
      'cluster.ts: builders.a: builders[1].name: the builder "test" is already defined at cluster.ts: builders.a: builders[0]',
      'cluster.ts: scheduler: schedulers[0].builders: no builder "tset" (have: test)',
    ]);
  });

  it("names the scheduler that a step wants to trigger and cannot, and what there is", async () => {
    const plugin = (kind: string, more: string) =>
      `({ plugin: { kind: "${kind}", type: "t", options: { safeParse: (data) => ({ success: true, data }) }, ${more} }, `;
    const step = (...names: string[]) =>
      `${plugin("step", "triggers: (options) => options.names")} options: { names: ${JSON.stringify(names)} } })`;
    const files = (schedulers: string) => ({
      "cluster.ts": `export default { ${shared}, ${schedulers}
        builders: { a: async () => ({ default: { builders: [
          { name: "test", workers: ["w1"], steps: [${step("kids")}, ${step("kids", "nightly", "none")}] }] } }) },
        workers: async () => ${workers} };`,
    });
    const schedulers = `scheduler: async () => ({ default: { schedulers: [
      ${plugin("scheduler", "triggerable: true")} options: { name: "kids" } }),
      ${plugin("scheduler", "")} options: { name: "nightly" } })] } }),`;
    const place = "cluster.ts: builders.a: builders[0].steps";
    expect(await problems(checkConfig(await loadConfig(write(files(schedulers)))))).toEqual([
      `${place}[1]: no triggerable scheduler "nightly" (have: kids)`,
      `${place}[1]: no triggerable scheduler "none" (have: kids)`,
    ]);
    expect(await problems(checkConfig(await loadConfig(write(files("")))))).toContain(
      `${place}[0]: no triggerable scheduler "kids" (have: none)`,
    );
  });

  it("refuses a step that uses the master's machine where the config allows nothing of the kind", async () => {
    const step = (options: object) =>
      `({ plugin: { kind: "step", type: "t", options: { safeParse: (data) => ({ success: true, data }) },
        onMaster: (options) => options.uses }, options: ${JSON.stringify(options)} })`;
    const uses = [{ option: "toMaster", needs: "writeTo" }, { needs: "commands" }, { option: "x", needs: "readFrom" }];
    const files = (onMaster: string) => ({
      "cluster.ts": `export default { ${shared}, ${onMaster}
        builders: { a: async () => ({ default: { builders: [
          { name: "test", workers: ["w1"], steps: [${step({ uses: [] })}, ${step({ uses })}] }] } }) },
        workers: async () => ${workers} };`,
    });
    const place = "cluster.ts: builders.a: builders[0].steps[1]";
    expect(await problems(checkConfig(await loadConfig(write(files("")))))).toEqual([
      expect.stringContaining(`${place}: the config allows no commands on the master's machine: set onMaster.commands`),
      expect.stringContaining(`${place}.toMaster: the config allows no files to be written`),
      expect.stringContaining(`${place}.x: the config allows no files of the master's machine to be read`),
    ]);
    const open = 'onMaster: { commands: true, readFrom: ["a"], writeTo: ["b"] },';
    expect((await checkConfig(await loadConfig(write(files(open))))).builders).toBe(1);
  });

  it("names the scheduler that another waits for in vain, or for ever", async () => {
    const scheduler = (name: string, ...upstream: string[]) =>
      `({ plugin: { kind: "scheduler", type: "t", options: { safeParse: (data) => ({ success: true, data }) },
        upstreams: (options) => options.upstream }, options: ${JSON.stringify({ name, upstream })} })`;
    const schedulers = [scheduler("a", "b"), scheduler("b", "a"), scheduler("c", "a", "none")].join(", ");
    const config = await loadConfig(
      write({
        "cluster.ts": `export default { ${shared}, builders: {},
          scheduler: async () => ({ default: { schedulers: [${schedulers}] } }) };`,
      }),
    );
    expect(await problems(checkConfig(config))).toEqual([
      'cluster.ts: scheduler: schedulers[0].upstream: "a" waits for itself, directly or through others: it would build for ever',
      'cluster.ts: scheduler: schedulers[1].upstream: "b" waits for itself, directly or through others: it would build for ever',
      'cluster.ts: scheduler: schedulers[2].upstream: no scheduler "none" (have: a, b, c)',
    ]);
  });
});
