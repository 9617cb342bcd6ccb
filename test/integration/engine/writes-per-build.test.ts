import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { newSchemaUrl } from "../../harness/test-databases.ts";

interface Counted {
  /** All, reads for events that someone hears as well; a BEGIN counts with the statement that it travels with. */
  readonly statements: number;
  readonly commits: number;
  readonly writes: number;
}

/** Counts statements of the engine's database while `act` runs. */
async function countWrites(engine: Engine, act: () => Promise<void>): Promise<Counted> {
  const statements: string[] = [];
  const unwatch = engine.database.watch(({ sql }) => statements.push(sql));
  await act();
  unwatch();
  const count = (pattern: RegExp) => statements.filter((text) => pattern.test(text)).length;
  return {
    statements: statements.length,
    commits: count(/^commit/i),
    writes: count(/^\s*(insert|update|delete|with)\b/i),
  };
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

    // One commit and four writes of each are those of its buildset, which the test adds.
    expect(alone.commits - 1).toBeLessThanOrEqual(5);
    expect(many.commits / wanted.length - 1).toBeLessThanOrEqual(1);
    // One of them puts the build where its source belongs (docs/decisions/failing-by-source.md).
    expect(alone.writes - 4).toBeLessThanOrEqual(19);
    expect(many.writes / wanted.length - 4).toBeLessThanOrEqual(5);
    // Those of the buildset, and of the test's own reads, included.
    expect(alone.statements).toBeLessThanOrEqual(70);
    expect(many.statements / wanted.length).toBeLessThanOrEqual(18);
  });
});
