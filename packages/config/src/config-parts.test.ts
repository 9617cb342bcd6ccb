import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type ConfigPart, compareConfigs } from "./config-parts.ts";
import { fingerprint } from "./fingerprint.ts";
import { listFixed } from "./fixed-options.ts";
import { hashConfig } from "./hash-config.ts";
import { interpolate, secret } from "./renderable.ts";

const directory = mkdtempSync(join(tmpdir(), "parts-"));
afterAll(() => rmSync(directory, { recursive: true }));

const none = { ownPlugins: new Set<string>() };
const hashOf = (value: unknown) => fingerprint(value, none).hash;

describe("a fingerprint", () => {
  it("is the same for equal values, in whatever order they were written", () => {
    expect(hashOf({ a: 1, b: [/x/, new Date(5)], c: undefined })).toBe(hashOf({ b: [/x/, new Date(5)], a: 1 }));
    expect(hashOf(["a", "bc"])).not.toBe(hashOf(["ab", "c"]));
    expect(hashOf({ a: "1" })).not.toBe(hashOf({ a: 1 }));
    expect(hashOf([[1], 2])).not.toBe(hashOf([[1, 2]]));
  });

  it("knows what interpolate and secret were made with", () => {
    expect(hashOf(interpolate("make ${a}"))).toBe(hashOf(interpolate("make ${a}")));
    expect(hashOf(interpolate("make ${a}"))).not.toBe(hashOf(interpolate("make ${b}")));
    expect(hashOf(secret("a"))).not.toBe(hashOf(secret("b")));
    expect(fingerprint([interpolate("${a}"), secret("b")], none).hasCode).toBe(false);
  });

  it("says of other functions, and of plugins of the config, that their code counts", () => {
    expect(fingerprint({ steps: [() => 1] }, none)).toMatchObject({ hasCode: true });
    const descriptor = { plugin: { kind: "step", type: "mine", run: () => 1 }, options: { a: 1 } };
    expect(fingerprint(descriptor, none).hasCode).toBe(false);
    expect(fingerprint(descriptor, { ownPlugins: new Set(["mine"]) }).hasCode).toBe(true);
  });

  it("ends for an object that contains itself", () => {
    const self: Record<string, unknown> = { a: 1 };
    self["self"] = self;
    expect(hashOf(self)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("compared configs", () => {
  const part = (name: string, hash: string, hasCode = false): ConfigPart => ({ kind: "builder", name, hash, hasCode });
  const config = (hash: string, parts: readonly ConfigPart[]) => ({ hash, parts: () => parts });

  it("name what was added, changed and removed, and what may do otherwise since a file changed", () => {
    const before = config("1", [part("same", "a"), part("code", "c", true), part("old", "d"), part("other", "e")]);
    const after = config("2", [part("same", "a"), part("code", "c", true), part("other", "f"), part("new", "d")]);
    expect(compareConfigs(before, after).map(({ change, name, byCode }) => [change, name, byCode])).toEqual([
      ["changed", "code", true],
      ["changed", "other", false],
      ["added", "new", false],
      ["removed", "old", false],
    ]);
    expect(compareConfigs(before, before)).toEqual([]);
  });

  it("name the options that need a restart", () => {
    const changes = (["database", "onMaster", "workers.port", "workers.keepAlive", "ui.title", "ui.host"] as const).map(
      (name) => ({ change: "changed", kind: "option", name, byCode: false }) as const,
    );
    expect(listFixed([...changes, { change: "added", kind: "worker", name: "database", byCode: false }])).toEqual([
      "database",
      "workers.port",
      "ui.host",
    ]);
  });
});

it("the types of plugins that a config's files may define are found in those files", () => {
  writeFileSync(join(directory, "cluster.ts"), 'import { mine } from "./mine.ts"; export default { type: "no" };');
  writeFileSync(join(directory, "mine.ts"), 'export const mine = defineStep({ type: "mine", run() {} });');
  expect([...hashConfig(join(directory, "cluster.ts")).ownPlugins]).toEqual(["mine"]);
});
