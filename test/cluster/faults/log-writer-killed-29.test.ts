import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import type { TestMaster } from "../../harness/master.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** Lines of every kind that is hard to store; each goes with what should be read back. */
const lineCount = isLong ? 500_000 : 40_000;
const program = `
import sys, time
out = sys.stdout.buffer
out.write(b"BEGIN\\n")
for i in range(${lineCount}):
    n = b"%d" % i
    if i % 5 == 0: out.write(b"crlf " + n + b"\\r\\n")
    elif i % 5 == 1: out.write(b"bad \\xff\\xfe " + n + b"\\n")
    elif i % 1000 == 2: out.write(b"x" * 150000 + n + b"\\n")
    elif i % 5 == 3: out.write("ünïcödé 🎉 ".encode() + n + b"\\n")
    else: out.write(b"a" + n + b"\\rb" + n + b"\\n")
    if i % 1000 == 999:
        out.flush()
        time.sleep(0.02)
out.write(b"END\\n")
`;

function expectedOutput(): string {
  const lines = ["BEGIN"];
  for (let i = 0; i < lineCount; i++) {
    if (i % 5 === 0) lines.push(`crlf ${i}`);
    else if (i % 5 === 1) lines.push(`bad \ufffd\ufffd ${i}`);
    // A stored line has at most 65,000 bytes.
    else if (i % 1000 === 2) lines.push("x".repeat(65_000), "x".repeat(65_000), `${"x".repeat(20_000)}${i}`);
    else if (i % 5 === 3) lines.push(`ünïcödé 🎉 ${i}`);
    else lines.push(`a${i}`, `b${i}`);
  }
  return `${lines.join("\n")}\nEND\n`;
}

it("a log whose writer is killed in the middle is contiguous, whatever its lines are, and so is what its readers see", async () => {
  const script = join(temporaryDirectory("program"), "print.py");
  writeFileSync(script, program);
  const cluster = await startCluster({
    config: "test/cluster/configs/ledger/cluster.ts",
    env: { WORKERS: "w1,w2", WORK: `python3 ${script}`, POLL: "no" },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  await cluster.workers(doomed, front, ["w1"]);
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await survivor.waitReady();

  await front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  const linesOf = async (number: number) =>
    (
      await cluster.rows<{ num_lines: number }>(
        `select l.num_lines from logs l join steps s on s.id = l.stepid join builds b on b.id = s.buildid
          where s.name = 'work' and b.number = ${number}`,
      )
    )[0]?.num_lines ?? 0;
  await waitFor(async () => (await linesOf(1)) > 2000, { what: "output of the first build", timeoutMs: 60_000 });
  const follower = follow(() => readLog(front, 1));
  await waitFor(async () => (await linesOf(1)) > 8000, { what: "more of it", timeoutMs: 60_000 });
  await doomed.kill9();
  await cluster.workers(survivor, front, ["w2"]);
  await waitFor(async () => (await linesOf(2)) > 0, { what: "the second build to write", timeoutMs: 90_000 });
  const second = follow(() => readLog(front, 2));
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to be complete",
    timeoutMs: 120_000,
  });

  expect(await findViolations(cluster)).toEqual([]);
  const expected = expectedOutput();
  const first = outputOf(await follower.stop());
  expect(first.length).toBeGreaterThan(0);
  expect(first.length).toBeLessThan(expected.length);
  expect(expected.startsWith(first)).toBe(true);
  expect(outputOf(await second.stop()).startsWith(expected)).toBe(true);
}, 300_000);

it("a secret of the config never shows in logs, states, URLs and properties, wherever it is cut", async () => {
  const secret = "s3cr3t/with+signs-of-all-kinds";
  // In one piece, in two with a pause between, across a line break, in standard error, and in an argument.
  const work = [
    'echo "whole: $TOKEN."',
    'printf "%s" "cut: ${TOKEN%signs*}"; sleep 1; printf "%s\\n" "signs${TOKEN#*signs}."',
    'printf "%s\\n%s\\n" "wrapped: ${TOKEN%-of*}" "-of${TOKEN#*-of}."',
    'echo "error: $TOKEN." >&2',
    `echo 'argument: ${secret}.'`,
  ].join("; ");
  const cluster = await startCluster({
    config: "test/cluster/configs/secrets/cluster.ts",
    env: { WORK: work, SECRET: secret },
  });
  const ui = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await ui.waitReady();
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
  await cluster.workers(engine, ui, ["w1"]);
  await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "test" });
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the build",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select 1 from builds where results = 0")).toHaveLength(1);
  const log = await (await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw")).text();
  for (const line of ["whole", "cut", "wrapped", "error", "argument"])
    expect(log.split("\n")).toContain(`${line}: <token>.`);
  const shown = [
    log,
    JSON.stringify(await ui.api("builds/1/steps")),
    JSON.stringify(await ui.api("builds?property=*")),
    JSON.stringify(await ui.api("builds/1/properties")),
    engine.log(),
    ui.log(),
  ];
  for (const text of shown) expect(text).not.toContain(secret);
  expect(shown[1]).toContain("with <token>");
  expect(shown[3]).toContain('"<token>"');
});

async function readLog(ui: TestMaster, buildid: number): Promise<string> {
  const response = await ui.fetch(`api/v2/builds/${buildid}/steps/work/logs/stdio/raw`);
  if (response.status !== 200) throw new Error(`the log of build ${buildid} cannot be read: ${response.status}`);
  return response.text();
}

/** Reads again and again; what is read once stays as it was, at the beginning of all that is read later. */
function follow(read: () => Promise<string>): { stop(): Promise<string> } {
  let going = true;
  const reading = (async () => {
    let before = "";
    let last = false;
    while (!last) {
      last = !going;
      const now = await read();
      if (!now.startsWith(before)) throw new Error("what was read before is not there any more");
      before = now;
      await sleep(200);
    }
    return before;
  })();
  reading.catch(() => undefined);
  return {
    stop() {
      going = false;
      return reading;
    },
  };
}

/** What the program printed; the headers before it are left out. */
function outputOf(log: string): string {
  const begin = log.indexOf("\nBEGIN\n");
  return begin === -1 ? "" : log.slice(begin + 1);
}
