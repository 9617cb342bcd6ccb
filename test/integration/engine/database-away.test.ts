import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import { builds } from "@multimaster/data";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { startEngine } from "../../harness/engine.ts";
import { startPostgres } from "../../harness/postgres.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe("an engine whose database goes away", () => {
  it("goes on with its builds when PostgreSQL is back, and has lost no line", async () => {
    const postgres = await startPostgres();
    const directory = temporaryDirectory("away");
    const goOn = join(directory, "go-on");
    const count = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.01; done";
    const engine = await startEngine(
      {
        b: [
          shell({ command: count, logEnviron: false }),
          shell({ name: "next", command: `while ! test -e ${goOn}; do sleep 0.05; done` }),
        ],
      },
      { url: await postgres.createDatabase() },
    );
    const request = await engine.submit("b");
    const stepid = await waitFor(async () => (await engine.stepsOf(1))[1]?.stepid, { what: "the step" });
    await waitFor(async () => (await engine.logText(stepid, "stdio")).includes("line 10"), { what: "output" });
    await postgres.restart("immediate");
    await waitFor(async () => (await engine.stepsOf(1))[2], { what: "the next step" });
    await postgres.stop();
    writeFileSync(goOn, "");
    const before = engine.said.length;
    await waitFor(() => engine.said.slice(before).some((text) => text.startsWith("a write failed")), {
      what: "the engine to notice",
    });
    await postgres.start();
    const found = await engine.finished(request);
    expect(found.map((build) => build.results)).toEqual([Results.SUCCESS]);
    const lines = (await engine.logText(stepid, "stdio")).split("\n").filter((line) => line.startsWith("oline"));
    expect(lines).toEqual(Array.from({ length: 300 }, (_, i) => `oline ${i}`));
    expect((await engine.data.find(builds, {})).total).toBe(1);
  });
});
