import { Results } from "@multimaster/core";
import announced from "@multimaster/plugins/steps/announced";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { waitFor } from "../../harness/wait-for.ts";

const program = (...lines: string[]) => ["printf", "%s\\n", ...lines];
const shown = async (engine: Engine, buildid = 1) =>
  (await engine.stepsOf(buildid))
    .slice(1)
    .map(({ name, results, state_string }) => `${name}: ${results} ${state_string}`);
const idOf = async (engine: Engine, name: string) =>
  (await engine.stepsOf(1)).find((step) => step.name === name)?.stepid as number;

describe("steps that a program announces", () => {
  it("have their own logs, links, texts and results", async () => {
    const engine = await startEngine({
      b: [
        announced({
          name: "build",
          properties: ["size"],
          command: program(
            "before",
            "@@@BUILD_STEP compile@@@",
            "cc a.c",
            "@@@STEP_LINK@report@http://host/report@@@",
            "@@@STEP_LINK@bad@javascript:alert(1)@@@",
            "@@@STEP_TEXT@3 files@@@",
            "@@@STEP_LOG_LINE@list@a.c@@@",
            "@@@SET_BUILD_PROPERTY@size@12@@@",
            "@@@SET_BUILD_PROPERTY@unwanted@true@@@",
            "@@@BUILD_STEP test@@@",
            "ok 1",
            "@@@STEP_WARNINGS@@@",
            "@@@SEED_STEP@pack@@@",
            "@@@STEP_CURSOR@pack@@@",
            "@@@STEP_STARTED@@@",
            "packed",
            "@@@STEP_CLOSED@@@",
            "@@@NO_SUCH_MARK@@@",
            "@@@STEP_CURSOR@test@@@",
            "ok 2",
          ),
        }),
        shell({ name: "after", command: "true" }),
      ],
    });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.WARNINGS);
    expect(await shown(engine)).toEqual([
      "build: 1 'printf %s\\n ...', 3 steps (test: warnings)",
      "compile: 0 3 files",
      "test: 1 finished (warnings)",
      "pack: 0 finished",
      "after: 0 'true'",
    ]);
    expect(await engine.logText(await idOf(engine, "compile"), "stdio")).toBe("occ a.c\n");
    expect(await engine.logText(await idOf(engine, "compile"), "list")).toBe("a.c\n");
    expect(await engine.logText(await idOf(engine, "test"), "stdio")).toBe("ook 1\nook 2\n");
    const own = await engine.logText(await idOf(engine, "build"), "stdio");
    expect(own).toContain("before\n");
    expect(own).toContain("@@@NO_SUCH_MARK@@@\n");
    expect(own).toContain('the property "unwanted" is not set');
    expect(own).toContain('The URL "javascript:alert(1)" cannot be shown');
    const compile = (await engine.stepsOf(1)).find(({ name }) => name === "compile");
    expect(compile).toMatchObject({ urls: [{ name: "report", url: "http://host/report" }], added_as: "announced" });
    const properties = await engine.properties(1);
    expect(properties).toMatchObject({ size: [12, "build"] });
    expect(properties).not.toHaveProperty("unwanted");
  });

  it("fail with the program, halt the build if it says so, and are bounded", async () => {
    const many = Array.from({ length: 6 }, (_, i) => `@@@BUILD_STEP ${"n".repeat(80)}${i}@@@`);
    const engine = await startEngine({
      b: [
        announced({ command: "echo @@@BUILD_STEP one@@@; echo @@@BUILD_STEP two@@@; exit 3" }),
        announced({
          name: "halts",
          command: program("@@@HALT_ON_FAILURE@@@", "@@@BUILD_STEP bad@@@", "@@@STEP_FAILURE@@@"),
        }),
        shell({ name: "never", command: "true" }),
      ],
      many: [announced({ command: program(...many, "the rest"), maxSteps: 3 })],
    });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.FAILURE);
    expect((await shown(engine)).map((text) => text.slice(0, 8))).toEqual([
      "announce",
      "one: 0 f",
      "two: 2 f",
      "halts: 2",
      "bad: 2 f",
    ]);
    const [bounded] = await engine.finished(await engine.submit("many"));
    const rows = await engine.stepsOf(bounded?.buildid as number);
    expect(rows.map(({ name }) => name.length)).toEqual([18, 9, 50, 50, 50]);
    expect(await engine.logText(rows[1]?.stepid as number, "stdio")).toContain("more than 3 steps are announced");
  });

  it("end when the build is stopped", async () => {
    const engine = await startEngine({ b: [announced({ command: "echo @@@BUILD_STEP one@@@; sleep 1000" })] });
    const request = await engine.submit("b");
    await waitFor(async () => (await engine.stepsOf(1)).some(({ name }) => name === "one"), { what: "its step" });
    await engine.data.updates.builds.requestStop(1, "not needed");
    expect((await engine.finished(request))[0]?.results).toBe(Results.CANCELLED);
    expect((await engine.stepsOf(1)).map(({ results }) => results)).toEqual([0, 6, 6]);
  });
});
