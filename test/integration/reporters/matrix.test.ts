import { Results } from "@multimaster/core";
import matrix from "@multimaster/plugins/reporters/matrix";
import { expect, it } from "vitest";
import { isLong } from "../../harness/long-form.ts";
import { reportOf, sendReport } from "../../harness/reports.ts";
import { startSynapse } from "../../harness/synapse.ts";

/** In the long form only (`npm run test:reports`): it installs the homeserver. */
it.runIf(isLong)(
  "a room of a real Synapse gets each report once, and its limits and a revoked token are read",
  async () => {
    const { url, room, token, ask } = await startSynapse({ burst: 3 });
    const reporter = matrix({ name: "r", url, token, room });
    const report = reportOf(Results.FAILURE);
    await sendReport(reporter, report);
    // An attempt whose answer was lost.
    await sendReport(reporter, report, { unsure: true });
    await sendReport(reporter, reportOf(Results.SUCCESS), { id: "test-7-2" });
    const read = async () => {
      const { chunk } = await ask("GET", `rooms/${encodeURIComponent(room)}/messages?dir=f&limit=50`);
      const all = chunk as { type: string; content: { body: string; msgtype: string; formatted_body: string } }[];
      return all.filter(({ type }) => type === "m.room.message").map(({ content }) => content);
    };
    expect((await read()).map(({ body }) => body.split("\n")[0])).toEqual([
      "web #81 fails now on main",
      "web #81 success on main",
    ]);
    expect((await read())[0]).toMatchObject({
      msgtype: "m.notice",
      formatted_body: expect.stringContaining("list is sorted"),
    });
    const failures: unknown[] = [];
    for (let i = 0; i < 5 && failures.length === 0; i++)
      await sendReport(reporter, report, { id: `test-8-${i}` }).catch((error: unknown) => failures.push(error));
    expect(failures).toMatchObject([
      {
        message: expect.stringContaining("limits the rate"),
        failure: { of: "target", retryAfterMs: expect.any(Number) },
      },
    ]);
    await ask("POST", "logout", {});
    await expect(sendReport(reporter, report, { id: "test-9" })).rejects.toMatchObject({
      message: expect.stringContaining("refuses the credentials (401)"),
      failure: { of: "target" },
    });
  },
  600_000,
);
