import type { Comparison, Failing } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { isLong } from "../../harness/long-form.ts";
import { type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { type ScriptedHistory, scriptHistory, type TrulyFailing } from "../../harness/scripted-history.ts";
import { engines } from "../../harness/test-databases.ts";

const seeds = isLong ? ["monday", "tuesday", "wednesday", "thursday"] : ["monday"];
const moments = isLong ? 40 : 12;

describe.each(engines.flatMap((engine) => seeds.map((seed) => [engine, seed] as const)))(
  "what fails, on %s, in the script %s",
  (engine, seed) => {
    let masters: TestMasters;
    let members: Member[];
    let server: RestServer;
    let history: ScriptedHistory;
    beforeAll(async () => {
      masters = await startMasters(engine);
      members = [await masters.join(), await masters.join()];
      server = await startRestServer(masters.database);
      history = await scriptHistory(seed, members);
    });

    async function answered(): Promise<TrulyFailing[]> {
      const { status, body } = await server.get("/api/v2/failing?order=builder&order=source");
      expect(status).toBe(200);
      return (body.failing as Failing[]).map((line) => ({
        builder: line.builder,
        branch: line.source,
        lastGood: line.last_good_number,
        firstBad: line.first_bad_number,
        newest: line.newest_number,
        count: line.count,
        suspects: line.suspects.changes.map(({ revision }) => revision ?? ""),
      }));
    }

    /** The list shows some of the changes. */
    const truth = () => history.failing().map((each) => ({ ...each, suspects: each.suspects.slice(0, 10) }));

    it("is the script's own answer at every moment of its day", async () => {
      let seen = 0;
      for (let i = 0; i < moments; i += 1) {
        await history.play(60);
        const failing = truth();
        expect(await answered(), `at moment ${i}`).toEqual(failing);
        seen += failing.length;
      }
      // Else the script shows nothing.
      expect(seen).toBeGreaterThan(moments * 2);
    });

    it("compares a build with the last good one before it, as the script does", async () => {
      const failing = history.failing().filter(({ lastGood }) => lastGood !== null);
      expect(failing.length).toBeGreaterThan(0);
      for (const { builder, firstBad, lastGood, suspects } of failing) {
        const build = history.builds.find((each) => each.builder === builder && each.number === firstBad);
        const { body } = await server.get(`/api/v2/builds/${build?.buildid}/compare`);
        const [comparison] = body.comparisons as Comparison[];
        expect(comparison).toMatchObject({ is_last_good: true, base: { number: lastGood } });
        expect(comparison?.changes.changes.map(({ revision }) => revision)).toEqual(suspects);
        expect(comparison?.changes.total).toBe(suspects.length);
      }
    });

    it("is found again in a database without these rows, in short pieces, by several masters at the same time", async () => {
      await forget("below = (select max(id) + 1 from builds)");
      const pieces = await readHistory();
      expect(pieces).toBeGreaterThan(1);
      expect(await answered()).toEqual(truth());
    });

    it("is found again if it ended on masters that do not keep it", async () => {
      await forget("below = 0, checked_at = 0");
      await readHistory();
      expect(await answered()).toEqual(truth());
      // Builds that end later are put among those.
      await history.play(60);
      expect(await answered()).toEqual(truth());
    });

    async function forget(position: string): Promise<void> {
      await execute(masters.database, "delete from mm_line_builds");
      await execute(masters.database, "delete from mm_builder_lines");
      await execute(masters.database, `update mm_line_history set ${position}`);
      expect(await answered()).toEqual([]);
    }

    /** Returns how many pieces there were. */
    async function readHistory(): Promise<number> {
      let pieces = 0;
      await Promise.all(
        members.map(async ({ updates }) => {
          while (await updates.lines.noteHistory()) pieces += 1;
        }),
      );
      // One that found another at work has left the rest to it.
      expect(await members[0]?.updates.lines.noteHistory()).toBe(false);
      return pieces + 1;
    }
  },
);
