import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import { residentMegabytes } from "../../harness/processes.ts";
import { waitFor } from "../../harness/wait-for.ts";

const megabytes = isLong ? 1000 : 50;
/** What `work` prints: lines of 100 bytes with their number. */
const lines = (megabytes * 1_000_000) / 100;
const program = `awk 'BEGIN { for (i = 0; i < ${lines}; i++) printf "%08d %090d\\n", i, i }'`;
const printed = (i: number) => `${String(i).padStart(8, "0")} ${String(i).padStart(90, "0")}\n`;
/** More than bounded buffers, less than the whole output, even once. */
const mostMegabytes = isLong ? 300 : megabytes * 2.5;

it(
  `${megabytes} MB of output are stored without a gap, in bounded memory, and read back byte by byte while they are compressed`,
  async () => {
    const cluster = await startCluster({
      config: "test/cluster/configs/ledger/cluster.ts",
      env: { POLL: "no", WORK: program },
    });
    const ui = await cluster.master({ roles: ["ui", "scheduler"] });
    await ui.waitReady();
    const engine = await cluster.master({ roles: ["builder-engine"] });
    // Python's worker is too slow for the long form.
    await (isLong ? cluster.ownWorkers(engine, ui, ["w1"]) : cluster.workers(engine, ui, ["w1"]));
    const [engineMemory, uiMemory] = [engine, ui].map((master) => watchMemory(master.process.pid)) as [Watch, Watch];
    await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "much" });
    await waitFor(async () => (await cluster.rows("select 1 from logs l where l.num_lines > 0")).length > 1, {
      what: "the first output",
    });
    // A reader that begins while the log is written gets whole lines from its beginning.
    const early = await readNumbers(await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw"));
    expect(early.wrong).toBeUndefined();
    await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
      what: "the build",
      timeoutMs: isLong ? 900_000 : 170_000,
      intervalMs: 100,
    });
    // Read immediately, while the log is being compressed, and again afterwards.
    const expected = createHash("sha256");
    for (let i = 0; i < lines; i++) expected.update(printed(i));
    const wanted = { count: lines, wrong: undefined, digest: expected.digest("hex") };
    expect(await readNumbers(await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw"))).toEqual(wanted);
    await waitFor(
      async () =>
        (await cluster.rows("select 1 from logchunks where compressed = 0 and last_line > first_line + 1000"))
          .length === 0,
      { what: "the log to be compressed", timeoutMs: isLong ? 300_000 : 60_000, intervalMs: 500 },
    );
    expect(await readNumbers(await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw"))).toEqual(wanted);
    expect(await findViolations(cluster)).toEqual([]);
    const { body } = await ui.api<{ logs: { num_lines: number }[] }>("builds/1/steps/work/logs/stdio");
    expect(body.logs[0]?.num_lines).toBeGreaterThan(lines);
    const grown = { engine: engineMemory.stop(), ui: uiMemory.stop() };
    console.log(`memory grew by ${grown.engine.toFixed(0)} MB (engine) and ${grown.ui.toFixed(0)} MB (ui)`);
    expect(grown.engine).toBeLessThan(mostMegabytes);
    expect(grown.ui).toBeLessThan(mostMegabytes);
  },
  isLong ? 1_500_000 : 180_000,
);

interface Numbers {
  count: number;
  /** The first line that is not the one that should stand there. */
  wrong: string | undefined;
  digest: string;
}

/** Reads the numbered lines of a log, whatever its size, without holding it. */
async function readNumbers(response: Response): Promise<Numbers> {
  expect(response.status).toBe(200);
  const hash = createHash("sha256");
  const numbers: Numbers = { count: 0, wrong: undefined, digest: "" };
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    const pieces = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = pieces.pop() as string;
    // Headers stand before and after the output.
    for (const line of pieces.filter((piece) => /^\d{8} \d{90}$/.test(piece))) {
      if (`${line}\n` !== printed(numbers.count)) numbers.wrong ??= line;
      hash.update(`${line}\n`);
      numbers.count += 1;
    }
  }
  return { ...numbers, digest: hash.digest("hex") };
}

interface Watch {
  /** How much the process has grown at most, in megabytes. */
  stop(): number;
}

function watchMemory(pid: number): Watch {
  const before = residentMegabytes(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, residentMegabytes(pid));
  }, 100);
  return {
    stop() {
      clearInterval(timer);
      return most - before;
    },
  };
}
