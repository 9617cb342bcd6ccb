import { describe, expect, it } from "vitest";
import { judgeConfigs } from "./judge-parts.ts";
import { judgeDisk, judgeReports, judgeRetention } from "./judge-services.ts";

describe("the health of a part", () => {
  it("of the disk goes by the space that is left", () => {
    expect(judgeDisk(5 * 1024 ** 3)).toMatchObject({
      state: "ok",
      sentence: "5.0 GiB are free where the database is.",
    });
    expect(judgeDisk(1024 ** 2)).toMatchObject({ state: "degraded", remedy: expect.stringContaining("Make room") });
  });

  it("of retention goes by its master, and by a run that no master goes on with", () => {
    const run = { started_at: 0, ended_at: null };
    expect(judgeRetention({ job: undefined, run: undefined })).toMatchObject({ state: "ok" });
    expect(judgeRetention({ job: { master: null }, run })).toMatchObject({ state: "degraded" });
    expect(judgeRetention({ job: { master: "one" }, run })).toMatchObject({
      state: "ok",
      sentence: "one deletes what the rules name, since 1970-01-01 00:00:00 UTC.",
    });
    expect(judgeRetention({ job: { master: "one" }, run: { started_at: 0, ended_at: 60 } }).sentence).toBe(
      "one deletes what the rules name. The last run ended at 1970-01-01 00:01:00 UTC.",
    );
  });

  it("of reports goes by reporters that fail, or that no master sends for", () => {
    const fine = { reporters: 3, failing: 0, failing_since: null, unsent: 0, dead: 0 };
    expect(judgeReports(fine)).toMatchObject({ state: "ok", sentence: "3 reporters send what they owe." });
    expect(judgeReports({ ...fine, dead: 2 }).sentence).toBe("3 reporters send what they owe. 2 were given up.");
    expect(judgeReports({ ...fine, failing: 1, failing_since: 0 })).toMatchObject({ state: "degraded" });
    expect(judgeReports({ ...fine, unsent: 1 })).toMatchObject({ state: "degraded" });
  });

  it("of configs goes by masters that have disagreed for minutes", () => {
    const master = (config_hash: string, config_warning: string | null = null) => ({ config_hash, config_warning });
    expect(judgeConfigs([master("a"), master("a")])).toMatchObject({ state: "ok", facts: { hashes: ["a"] } });
    expect(judgeConfigs([master("a"), master("b")])).toMatchObject({ state: "ok" });
    expect(judgeConfigs([master("a", "They differ."), master("b", "They differ.")])).toMatchObject({
      state: "degraded",
      sentence: "They differ.",
      remedy: expect.stringContaining("master reconfig --all"),
    });
  });
});
