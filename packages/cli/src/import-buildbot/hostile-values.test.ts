import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { expect, it, onTestFinished } from "vitest";
import { type BuildbotDocument, buildbotDocument, type Value } from "./document.ts";
import { importConfig } from "./import-config.ts";

const hostile = [
  'a"b',
  "c`d${process.exit(1)}",
  "*/ throw 1; /*",
  "line\nbreak\r\u2028\u2029",
  "\\",
  "${x}",
  "$${y:-z}",
  "ends with $",
  "__proto__",
];
const rules = { haltOnFailure: false, flunkOnFailure: true };
const step = (base: string, args: Record<string, Value>) => ({
  is: "object",
  class: base,
  base,
  module: "m",
  args,
  rules,
  name: base,
});

function documentOf(steps: object[]): BuildbotDocument {
  const none = {
    schedulers: [],
    changeSources: [],
    services: [],
    secretProviders: [],
    configurators: [],
    projects: [],
    others: [],
  };
  return buildbotDocument.parse({
    ...{
      buildbot: "4.3.0",
      python: "3",
      file: "*/ throw 2; /*.cfg",
      settings: {},
      database: null,
      properties: {},
      ...none,
    },
    workers: [{ is: "object", class: "LocalWorker", base: "LocalWorker", module: "m", args: { name: "w" } }],
    builders: [{ args: { name: "b", workernames: ["w"], description: hostile[1] }, workdir: "build", steps }],
  });
}

it("keeps every text as it is, whatever is in it: none becomes code of the written config", async () => {
  const environment: Record<string, Value> = Object.fromEntries(hostile.map((text, i) => [`V${i}`, text]));
  Object.defineProperty(environment, "__proto__", { value: "own", enumerable: true });
  const patterns = ["a/b[/]", "", "x\ny", "\\/"];
  // A name that no variable has: zod leaves it out.
  const named = Object.entries(environment).filter(([name]) => name !== "__proto__");
  const { files } = importConfig(
    documentOf([
      step("ShellCommand", { command: hostile, env: { is: "map", entries: environment } }),
      ...patterns.map((warningPattern) => step("Compile", { warningPattern })),
      step("ShellCommand", {
        command: hostile.map((text) => ({ is: "interpolate", text: text.replaceAll("%", "%%"), args: [], kwargs: {} })),
      }),
      step("ShellCommand", {
        command: hostile.map((text) => ({ is: "interpolate", text: `${text}%(prop:p:~q)s`, args: [], kwargs: {} })),
      }),
    ]),
  );
  const directory = mkdtempSync(join(tmpdir(), "multimaster-hostile-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of files) writeFileSync(join(directory, name), text);

  const config = await loadClusterConfig(join(directory, "cluster.ts"));
  const [slice] = (await config.builders(["main"])).values();
  const [builder] = slice?.builders ?? [];
  expect(builder?.description).toBe(hostile[1]);
  const options = (builder?.steps ?? []).map((one) => one.options as Record<string, unknown>);
  const written = options.slice(1, 5).map(({ warningPattern }) => warningPattern as RegExp);
  expect(options[0]?.["command"]).toEqual(hostile);
  expect(Object.entries((options[0]?.["env"] ?? {}) as object)).toEqual(named);
  const texts = ["a/b/", "", "x\ny", "/"];
  expect(texts.map((text, i) => written[i]?.test(text))).toEqual(texts.map(() => true));
  const build = { property: () => undefined } as never;
  const rendered = (index: number) =>
    ((options[index]?.["command"] ?? []) as ((build: never) => string)[]).map((make) => make(build));
  expect(rendered(5)).toEqual(hostile);
  expect(rendered(6)).toEqual(hostile.map((text) => `${text}q`));
});
