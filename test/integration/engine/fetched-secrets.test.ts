import { interpolate, secret } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { logs } from "@multimaster/data";
import { defineSecretProvider, defineStep } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, startEngine } from "../../harness/engine.ts";

/** A store whose value the test changes; it counts how often it is asked. */
const store = { value: "", asked: 0 };
const provider = defineSecretProvider({
  type: "store",
  options: { secrets: z.array(z.string()) },
  describe: () => "the store of the test",
  namesOf: ({ secrets }) => secrets,
  start: () => ({
    async fetch(name, signal) {
      store.asked += 1;
      if (name === "absent") throw new Error("it has none");
      if (name === "slow")
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return store.value;
    },
  }),
});

/** Everything of a build that users can see. */
async function shown(engine: Engine, buildid: number, build: object): Promise<string> {
  const rows = await engine.stepsOf(buildid);
  const found = (await engine.data.find(logs, {})).rows.filter((log) =>
    rows.some(({ stepid }) => stepid === log.stepid),
  );
  const texts = await Promise.all(found.map(({ stepid, slug }) => engine.logText(stepid, slug)));
  return JSON.stringify([build, rows, found, texts, await engine.properties(buildid)]);
}

describe("secrets that providers have", () => {
  it("are fetched for the step that names them, kept for their time, hidden everywhere, also what they were before", async () => {
    store.value = "first-of-the-store";
    store.asked = 0;
    const remember = defineStep({
      type: "remember",
      options: z.object({ text: z.string() }),
      run: async (ctx, { text }) => {
        ctx.properties.set("told", text, "remember");
        ctx.setState(`has ${text}`);
        return Results.SUCCESS;
      },
    });
    const show = (text: string) =>
      shell({ command: "echo $T; echo $T | base64", env: { T: interpolate(text) as never } });
    const engine = await startEngine(
      {
        b: [shell({ command: "true" }), show("x ${secret:token}"), remember({ text: secret("token") as never })],
        c: [
          shell({
            command: "echo first-of-the-store; echo second-of-the-store $T",
            env: { T: secret("token") as never },
          }),
        ],
      },
      { secretProviders: [provider({ secrets: ["token"], cache: "1h" }), provider({ secrets: ["fresh"], cache: 0 })] },
    );
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.SUCCESS);
    const text = await shown(engine, build?.buildid as number, build as object);
    expect(text).not.toContain(store.value);
    expect(text).not.toContain(Buffer.from(store.value).toString("base64").slice(0, 20));
    expect(text).toContain("x <token>");
    expect(await engine.properties(build?.buildid as number)).toMatchObject({ told: ["<token>", "remember"] });
    expect(store.asked).toBe(1);
    const [other] = await engine.finished(await engine.submit("c"));
    expect(await shown(engine, other?.buildid as number, other as object)).not.toContain("first-of-the-store");
    expect(store.asked).toBe(1);
  });

  it("end a step as EXCEPTION, with one sentence, if they cannot be had, are not for the builder or for a fork", async () => {
    store.value = "of-the-store";
    const use = (name: string) => [shell({ command: "echo ran", env: { T: secret(name) as never } })];
    const engine = await startEngine(
      { absent: use("absent"), slow: use("slow"), theirs: use("theirs"), fork: use("token"), hidden: use("token") },
      {
        secretProviders: [
          provider({ secrets: ["absent", "slow", "token"], timeout: 1 }),
          provider({ secrets: ["theirs"], builders: ["deploy-*"] }),
        ],
      },
    );
    const failed = async (builder: string, more = {}) => {
      const [build] = await engine.finished(await engine.submit(builder, more));
      expect(build?.results).toBe(Results.EXCEPTION);
      const [, step] = await engine.stepsOf(build?.buildid as number);
      return engine.logText(step?.stepid as number, "err.text");
    };
    expect(await failed("absent")).toContain(
      'the secret "absent" could not be fetched from the store of the test: it has none',
    );
    expect(await failed("slow")).toContain("it has not answered for 1 s");
    expect(await failed("theirs")).toContain('the builder "theirs" may not use the secret "theirs"');
    const asked = store.asked;
    expect(await failed("fork", { properties: { pullrequest_fork: [true, "Change"] } })).toContain("of a fork's code");
    // Not even fetched.
    expect(store.asked).toBe(asked);
    const [build] = await engine.finished(await engine.submit("hidden"));
    expect(build?.results).toBe(Results.SUCCESS);
  });
});
