import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { main } from "../main.ts";

const now = Math.floor(Date.now() / 1000);
const reasons = [{ kind: "worker_paused", sentence: "The worker w1 is paused.", facts: {} }];
const request = { buildrequestid: 12, builder: "web", priority: 5, since: now - 90, reasons };
const master = {
  masterid: 1,
  name: "engine-1",
  alive: true,
  buildbot: false,
  state: "draining",
  roles: ["builder-engine"],
  builder_sets: ["web"],
  release: "0.1.0",
  data_version: 2,
  host: "h",
  pid: 7,
  epoch: 3,
  lease_remaining: 14,
  orders: [],
};
const pages: Record<string, object> = {
  waiting: { waiting: [request] },
  "waiting/changes": {
    waiting_changes: [
      {
        scheduler: "quick",
        branch: "main",
        changeids: [3, 4],
        since: now - 5,
        reasons: [{ kind: "timer", sentence: "The builds are asked for in 8 s, unless another change comes before." }],
      },
      { scheduler: "slow", branch: null, changeids: [5, 6], changeids_more: 40, since: now - 5, reasons: [] },
    ],
  },
  "buildrequests/12/why": { waiting: [request] },
  "builders?name=web": { builders: [{ builderid: 7, name: "web" }] },
  "builders/7/waiting": { waiting: [] },
  members: { members: [master] },
  cluster: { cluster: [{ data_version: 2, requests_waiting: 1 }] },
  "builds?complete=false": {
    builds: [
      { buildid: 4, builderid: 7, number: 2, masterid: 1, workerid: 9, state_string: "building", started_at: now },
    ],
  },
  workers: {
    workers: [
      {
        workerid: 9,
        name: "w1",
        connected_to: [{ masterid: 1 }],
        configured_on: [{ masterid: 1, builderid: 7 }],
        paused: true,
        graceful: false,
      },
    ],
  },
  builders: { builders: [{ builderid: 7, name: "web" }] },
  // As an earlier release answers: without what is known of runs by the clock.
  schedules: { schedules: [{ schedulerid: 2, name: "nightly", enabled: true, next_at: now + 60 }] },
  schedulers: { schedulers: [{ schedulerid: 2, name: "nightly", master: { masterid: 1, name: "engine-1" } }] },
};

/** Answers from these pages; all else is no path of the API. */
async function serve(answers: Record<string, object>): Promise<{ url: string; end(): void }> {
  const server = createServer((incoming, response) => {
    const path = (incoming.url ?? "").replace("/api/v2/", "");
    const page = answers[path];
    response.writeHead(page ? 200 : 404).end(JSON.stringify(page ?? { error: `Invalid path: ${path}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const end = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, end };
}

async function run(answers: Record<string, object>, ...args: string[]) {
  const { url, end } = await serve(answers);
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    });
  }
  const code = await main([...args, "--url", url]);
  vi.restoreAllMocks();
  end();
  return { code, ...printed };
}

// Waiting times are shown in seconds, which must not pass between two answers on a slow machine.
beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: now * 1000 }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("why reports for each request and change what it waits for", async () => {
  const { code, stdout } = await run(pages, "why");
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      "Build request 12 of web (since 1 min 30 s, priority 5):",
      "  The worker w1 is paused.",
      "Changes 3, 4 on main for the scheduler quick (since 5 s):",
      "  The builds are asked for in 8 s, unless another change comes before.",
      "Changes 5, 6 and 40 more for the scheduler slow (since 5 s):",
      "  An engine is about to take it.",
      "",
    ].join("\n"),
  );
  expect(JSON.parse((await run(pages, "why", "12", "--json")).stdout)).toEqual({ waiting: [request], changes: [] });
  expect((await run(pages, "why", "web")).stdout).toBe("Nothing waits.\n");
});

it("why reports how many requests wait that it does not list", async () => {
  const { stdout } = await run(
    { ...pages, "builders/7/waiting": { waiting: [request], meta: { total: 40 } } },
    "why",
    "web",
  );
  expect(stdout).toContain("39 more build requests wait");
});

it("status reports the same through a ui master as from the rows", async () => {
  const { stdout } = await run(pages, "status", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    dataVersion: 2,
    masters: [{ name: "engine-1", state: "draining", builderSets: ["web"], leaseRemaining: 14 }],
    builds: [{ builder: "web", number: 2, master: "engine-1", worker: "w1" }],
    workers: [{ name: "w1", connected_to: ["engine-1"], paused: true }],
    schedulers: [{ name: "nightly", master: "engine-1", next_at: now + 60, last_slot: null, missed_slots: 0 }],
    pendingRequests: 1,
  });
  expect((await run(pages, "status")).stdout).toMatch(/^engine-1\t.*\tdraining\t14 s left\t/m);
});

it("workers and status report why a worker takes no builds, and its history when and why it took none", async () => {
  const worker = (pages["workers"] as { workers: object[] }).workers[0];
  const quarantined = {
    ...worker,
    pause_reason: "quarantined: 3 builds in a row lost their connection",
    quarantined_at: now - 60,
    probation_at: now + 60,
    owner: "ann@example.org",
    note: "in the cellar",
  };
  const away = { ...worker, name: "w2", connected_to: [], paused: false, missing_since: now - 5 };
  const answers = {
    ...pages,
    workers: { workers: [quarantined, away] },
    "workers?order=name": { workers: [quarantined, away] },
    masters: { masters: [master] },
    "workers?name=w1": { workers: [quarantined] },
    "workers/9/absences?order=-absenceid&limit=30": {
      worker_absences: [
        {
          began_at: now - 60,
          ended_at: null,
          missing_at: null,
          kind: "quarantined",
          reason: "quarantined",
          detail: "why",
        },
        {
          began_at: now - 90,
          ended_at: now - 80,
          missing_at: now - 85,
          kind: "away",
          reason: "master_lost",
          master: "e",
        },
      ].map((row) => ({ master: null, detail: null, ...row })),
    },
  };
  for (const { stdout } of [await run(answers, "workers"), await run(answers, "status")]) {
    const at = new Date((now + 60) * 1000).toISOString();
    expect(stdout).toMatch(/^w1\tconnected, quarantined\t.*3 builds in a row lost their connection/m);
    expect(stdout).toContain(`a build is tried on it from ${at} on; in the cellar; owner: ann@example.org`);
    expect(stdout).toMatch(/^w2\t.*missing\t.*missing since/m);
  }
  const { stdout } = await run(answers, "workers", "history", "w1");
  expect(stdout).toMatch(/\tquarantined\tquarantined\t-\twhy$/m);
  expect(stdout).toMatch(/\tmissing\tmaster lost\te\t/);
});

it("a master without the API is reported as too old", async () => {
  for (const command of ["why", "status"]) {
    const { code, stderr } = await run({}, command);
    expect(code).toBe(3);
    expect(stderr).toMatch(/runs a release that does not report .*; upgrade it first\.\n$/);
  }
});

it("send-change refuses a change that says nothing, and accepts one that says anything", async () => {
  const { code, stderr } = await run({}, "send-change", "--author", "Ada", "--property", "a=b", "--branch", "");
  expect(code).toBe(2);
  expect(stderr).toBe(
    "master: The change is empty; send-change needs at least one of --branch, --revision, --comments, --file, " +
      "--repository, --project, --codebase, --category.\n",
  );
  const changes = { changes: { jsonrpc: "2.0", id: 1, result: { changeid: 7 } } };
  for (const options of [
    ["--comments", "x"],
    ["--file", "a"],
    ["--project", "p"],
  ]) {
    expect((await run(changes, "send-change", ...options)).stdout).toBe("Change 7\n");
  }
});
