import { Results } from "@multimaster/core";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { startEngine } from "../../harness/engine.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe("a build that a user stops", () => {
  it("runs its clean-up; when it is stopped again, that ends and no more begins", async () => {
    const engine = await startEngine({
      b: [
        shell({ name: "work", command: "sleep 1000" }),
        shell({ name: "hangs", command: "sleep 1000", cleanUp: true }),
        shell({ name: "next", command: "true", alwaysRun: true }),
      ],
    });
    const request = await engine.submit("b");
    const runs = (name: string) =>
      waitFor(async () => (await engine.stepsOf(1)).at(-1)?.name === name, { what: `the step "${name}" to run` });
    const { builds } = engine.data.updates;
    await runs("work");
    await builds.requestStop(1, "not needed");
    await runs("hangs");
    await builds.requestStop(1, "it hangs");
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.CANCELLED, state_string: expect.stringContaining("not needed") });
    const ends = (await engine.stepsOf(1)).slice(1).map(({ name, results }) => `${name} ${results}`);
    expect(ends).toEqual(["work 6", "hangs 6"]);
  });
});
