import { secret } from "@multimaster/config";
import { type Json, Results } from "@multimaster/core";
import { changes } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { defineStep } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, startEngine } from "../../harness/engine.ts";

describe("a build of a fork's code", () => {
  const steps = {
    b: [shell({ name: "open", command: "true" }), shell({ command: "true", env: { T: secret("token") } })],
  };
  const secrets = { token: "never shown", other: "another one" };
  const sentence = 'so it gets no secret "token"; secretsForForks: ["token"] of the builder gives it';

  /** Builds the source stamp of a change with these properties; returns how it ended and what the last step wrote of it. */
  async function build(engine: Engine, properties: Record<string, Json>, builder = "b") {
    // Each of its own revision: changes of the same source stamp are judged together.
    const revision = JSON.stringify(properties);
    const change = { author: "eve", comments: "c", branch: "refs/pull/1/head", revision, properties };
    const { changeid } = await engine.data.updates.changes.add(change);
    const { sourcestamp } = (await engine.data.get(changes, changeid)) as { sourcestamp: { ssid: number } };
    const [end] = await engine.finished(await engine.submit(builder, { sourceStamps: [sourcestamp.ssid] }));
    const last = (await engine.stepsOf(end?.buildid as number)).at(-1);
    const why =
      end?.results === Results.EXCEPTION && builder === "b"
        ? await engine.logText(last?.stepid as number, "err.text")
        : "";
    return { results: end?.results, why };
  }

  it("gets no secret unless its builder says so, and says why", async () => {
    const engine = await startEngine(steps, { secrets });
    for (const properties of [{ pullrequest_fork: true }, { pullrequest_number: 1 }, {}] as Record<string, Json>[]) {
      const refused = await build(engine, properties);
      expect(refused).toEqual({ results: Results.EXCEPTION, why: expect.stringContaining(sentence) });
      expect(refused.why).not.toContain("    at ");
    }
    expect((await build(engine, { pullrequest_fork: false })).results).toBe(Results.SUCCESS);
  });

  it("counts a patch as a stranger's code: it is in no repository", async () => {
    const engine = await startEngine(steps, { secrets });
    await execute(engine.database, "update mm_data_version set version = 2");
    const stamp = { branch: "main", revision: "r1", repository: "", project: "", codebase: "" };
    const patch = { body: Buffer.from("--- a\n"), level: 1, subdir: null, author: "ann", comment: "" };
    const results = [];
    for (const sourceStamp of [{ ...stamp, patch }, stamp])
      results.push((await engine.finished(await engine.submit("b", { sourceStamps: [sourceStamp] })))[0]?.results);
    expect(results).toEqual([Results.EXCEPTION, Results.SUCCESS]);
  });

  it.each([
    [true, Results.SUCCESS],
    [["token"], Results.SUCCESS],
    [["other"], Results.EXCEPTION],
    [[], Results.EXCEPTION],
  ] as const)("gets those that its builder lists: %j", async (secretsForForks, expected) => {
    const more = { secretsForForks: Array.isArray(secretsForForks) ? [...secretsForForks] : true };
    const engine = await startEngine(steps, { secrets, more });
    expect((await build(engine, { pullrequest_fork: true })).results).toBe(expected);
  });

  it("gets none in what it triggers either, whatever its steps say of it", async () => {
    const lie = defineStep({
      type: "lie",
      options: z.object({}),
      run: async (ctx) => {
        ctx.properties.set("pullrequest_fork", false, "lie");
        ctx.properties.set("got_revision", "another", "lie");
        return { results: Results.SUCCESS };
      },
    });
    const kids = { schedulerNames: ["kids"], waitForFinish: true, setProperties: { pullrequest_fork: false } };
    const engine = await startEngine({ ...steps, parent: [lie({}), trigger(kids)] }, { secrets });
    const id = (await engine.data.updates.schedulers.register(["kids"])).get("kids") as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publish(id, { kind: "builds", triggerable: { builders: ["b"], ...rest } });
    const results = [];
    for (const fork of [true, false]) results.push((await build(engine, { pullrequest_fork: fork }, "parent")).results);
    expect(results).toEqual([Results.EXCEPTION, Results.SUCCESS]);
  });
});
