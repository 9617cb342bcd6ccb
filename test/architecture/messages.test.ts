import { readFileSync } from "node:fs";
import type { ControlMessage, ResourceEvent } from "@multimaster/data";
import { describe, expect, expectTypeOf, it } from "vitest";
import { listFiles } from "./source-files.ts";

const sources = listFiles().filter(
  (file) => /^(packages|roles)\/.*\.tsx?$/.test(file) && !/\.test\.tsx?$|\.d\.ts$|^packages\/(bus|web)\//.test(file),
);
const callersOf = (pattern: RegExp) =>
  sources.filter((file) => pattern.test(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8"))).sort();

/** docs/security.md says of each what it makes of a message. */
describe("a message only wakes its receiver", () => {
  it("since it gets nothing but ids", () => {
    expectTypeOf<keyof ResourceEvent>().toEqualTypeOf<"id" | "event">();
    expectTypeOf<keyof ControlMessage>().toEqualTypeOf<"of" | "id" | "action">();
  });

  it("and payloads are seen by these files alone", () => {
    expect(callersOf(/\bbus\.subscribe\(/)).toEqual([
      "packages/cluster/src/partition-detection.ts",
      "packages/cluster/src/peer-left-hints.ts",
      "packages/data/src/events/events.ts",
      "packages/data/src/events/live/live-events.ts",
    ]);
  });

  it("except that a config may let an engine write the rows that Buildbot's masters do not write", () => {
    expect(callersOf(/\.onForeignControl\(/)).toEqual(["roles/builder-engine/builds/foreign-control.ts"]);
    expect(callersOf(/new ForeignControl\(/)).toEqual(["roles/builder-engine/role.ts"]);
  });
});
