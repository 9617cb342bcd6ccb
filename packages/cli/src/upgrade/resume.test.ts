import type { MasterStatus, UpgradeRun } from "@multimaster/operator/upgrade-rows";
import { describe, expect, it } from "vitest";
import { planResume } from "./resume.ts";

const status = (name: string, pid: number, facts: Partial<MasterStatus> = {}) =>
  ({ name, pid, host: "here", alive: true, state: "running", ...facts }) as MasterStatus;

const run: UpgradeRun = {
  id: 1,
  host: "here",
  config: "/c.ts",
  beganAt: 0,
  pairs: [
    { masterid: 1, old: "a", pid: 1, name: "a-2", roles: ["ui"], builderSets: "all" },
    { masterid: 2, old: "b", pid: 2, name: "b-2", roles: ["builder-engine"], builderSets: ["web"] },
  ],
};
const [a, b, a2, b2] = [status("a", 1), status("b", 2), status("a-2", 11), status("b-2", 12)];

const resume = (masters: readonly MasterStatus[], options: { config?: string; names?: string[]; host?: string } = {}) =>
  planResume(masters, [run], { host: "here", config: "/c.ts", ...options })?.map(
    ({ old, name, running }) => `${old.name} -> ${name}${running ? ` (${running.pid})` : ""}`,
  );

describe("an upgrade that was killed", () => {
  it.each<[string, MasterStatus[], string[] | undefined]>([
    ["all new masters run", [a, b, a2, b2], ["a -> a-2 (11)", "b -> b-2 (12)"]],
    ["one of them is missing", [a, b, a2], ["a -> a-2 (11)", "b -> b-2"]],
    ["an old master has ended", [b, a2, b2], ["b -> b-2 (12)"]],
    ["an old master drains", [status("a", 1, { state: "draining" }), b, a2, b2], ["b -> b-2 (12)"]],
    ["another process has an old name now", [status("a", 9), b, a2, b2], ["b -> b-2 (12)"]],
    ["no new master was started", [a, b], undefined],
    ["a new name is dead", [a, b, status("a-2", 11, { alive: false })], undefined],
    ["a new name is of another host", [a, b, status("a-2", 11, { host: "there" })], undefined],
    ["nothing is left to replace", [a2, b2], undefined],
  ])("is taken up where it was left: %s", (_, masters, expected) => {
    expect(resume(masters)).toEqual(expected);
  });

  it("is of its host alone", () => {
    expect(resume([a, b, a2, b2], { host: "there" })).toBeUndefined();
  });

  it("is refused with another config or other masters, and says how to begin again", () => {
    const began = "The upgrade of here that began at 1970-01-01T00:00:00.000Z was not finished, and";
    const end = "end its new masters first: master stop a-2, master stop b-2.";
    expect(() => resume([a, b, a2, b2], { config: "/d.ts" })).toThrow(`${began} it was started with /c.ts.`);
    expect(() => resume([a, b, a2, b2], { config: "/d.ts" })).toThrow(end);
    expect(() => resume([a, b, a2, b2], { names: ["a"] })).toThrow(`${began} it replaces a, b.`);
    expect(resume([a, b, a2, b2], { names: ["a", "b", "c"] })).toHaveLength(2);
  });
});
