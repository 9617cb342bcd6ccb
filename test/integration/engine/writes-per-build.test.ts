import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { newSchemaUrl } from "../../harness/test-databases.ts";

/** Commits and writing statements of the engine's database while `act` runs. */
async function countWrites(engine: Engine, act: () => Promise<void>): Promise<{ commits: number; writes: number }> {
  const statements: string[] = [];
  const listen = (query: { sql: string }) => void statements.push(query.sql);
  engine.database.sql.on("query", listen);
  await act();
  engine.database.sql.removeListener("query", listen);
  const count = (pattern: RegExp) => statements.filter((text) => pattern.test(text)).length;
  return { commits: count(/^commit/i), writes: count(/^\s*(insert|update|delete|with)\b/i) };
}

describe("a build that runs one command", () => {
  const names = Array.from({ length: 20 }, (_, i) => `b${i}`);

  it("is written in few transactions, and in a share of one or two where twenty run at once", async () => {
    const url = await newSchemaUrl("postgresql");
    const builders = Object.fromEntries(names.map((name) => [name, [shell({ command: ["true"] })]]));
    const workers = { workers: [{ name: "w1", local: true, maxBuilds: 20 }] };
    const engine = await startEngine(builders, { url, workers });
    await engine.finished(await engine.submit("b0"));

    const alone = await countWrites(engine, async () => void (await engine.finished(await engine.submit("b0"))));
    const wanted = [...names, ...names];
    const many = await countWrites(engine, async () => {
      const requests = await Promise.all(wanted.map((name) => engine.submit(name)));
      for (const request of requests) await engine.finished(request);
    });

    // One commit and three writes of each are those of its buildset, which the test adds.
    expect(alone.commits - 1).toBeLessThanOrEqual(5);
    expect(many.commits / wanted.length - 1).toBeLessThanOrEqual(1.5);
    expect(alone.writes - 3).toBeLessThanOrEqual(22);
    expect(many.writes / wanted.length - 3).toBeLessThanOrEqual(8);
  });
});
