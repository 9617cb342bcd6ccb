import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { checkReporterChoices } from "./check-reporters.ts";
import { hashConfig } from "./hash-config.ts";
import type { BuildersSlice } from "./slices/builders.ts";
import type { SchedulerSlice } from "./slices/scheduler.ts";

const builders = new Map([
  ["all", { builders: [{ name: "web", tags: ["main"] }, { name: "docs" }] } as unknown as BuildersSlice],
]);

/** What is said of a reporter with these options. */
function check(options: object): string[] {
  const scheduler = { schedulers: [{ options: { name: "push" } }], reporters: [{ options }] };
  return checkReporterChoices(scheduler as unknown as SchedulerSlice, builders, () => "scheduling.ts");
}

it("names builders, tags and schedulers of reporters that nothing fits", () => {
  expect(check({ builders: ["w*", "docs"], tags: ["main"], schedulers: ["pu*", "rebuild"] })).toEqual([]);
  expect(check({ builders: ["web", "wbe*"], tags: ["ma*"], schedulers: ["nightly"] })).toEqual([
    'scheduling.ts: reporters[0].builders[1]: no builder fits "wbe*" (have: web, docs)',
    'scheduling.ts: reporters[0].tags[0]: no tag fits "ma*" (have: main)',
    'scheduling.ts: reporters[0].schedulers[0]: no scheduler fits "nightly" (have: push, rebuild)',
  ]);
});

it("a config's hash is that of its file and of what it imports, in whatever directory it is", () => {
  const directory = mkdtempSync(join(tmpdir(), "hash-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (place: string, files: Record<string, string>) => {
    mkdirSync(join(directory, place, "parts"), { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, place, name), text);
    return hashConfig(join(directory, place, "cluster.ts")).hash;
  };
  const files = {
    "cluster.ts": 'import { a } from "./parts/a";\nexport default { builders: () => import("./parts/b.ts"), a };',
    "parts/a.ts": 'import "../cluster.ts"; export const a = 1;',
    "parts/b.ts": "export default 1;",
    "unused.ts": "1",
  };
  const hash = write("one", files);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(write("two", files)).toBe(hash);
  expect(write("two", { "unused.ts": "2" })).toBe(hash);
  expect(write("two", { "parts/b.ts": "export default 2;" })).not.toBe(hash);
  expect(write("one", { "parts/a.ts": "export const a = 2;" })).not.toBe(hash);
});
