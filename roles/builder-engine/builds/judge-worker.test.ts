import { Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { AttachedWorker } from "../workers/attached-worker.ts";
import { isMachineFault } from "../workers/machine-fault.ts";
import { judgeWorker } from "./judge-worker.ts";

const rules = { quarantineAfter: 3, probationAfter: 60_000 };
const aWorker = () => new AttachedWorker(7, { name: "w" } as never, {} as never, {} as never, rules);
const lost = { buildid: 1, results: Results.RETRY, isLost: true };

describe("what the end of a build says about its worker", () => {
  it("counts a lost connection once, however many builds it ended", () => {
    const worker = aWorker();
    expect(judgeWorker(worker, lost)).toEqual({
      workerid: 7,
      failure: { kind: "connection", cause: "the connection to worker w ended" },
      quarantineAfter: 3,
      probationS: 60,
    });
    expect(judgeWorker(worker, { ...lost, buildid: 2 })).toBeUndefined();
  });

  it("counts no connection that this master closed, and no build that it released or a user cancelled", () => {
    const worker = aWorker();
    expect(judgeWorker(worker, { ...lost, isLost: false })).toBeUndefined();
    expect(judgeWorker(worker, { ...lost, results: Results.CANCELLED })).toBeUndefined();
    worker.leaving = true;
    expect(judgeWorker(worker, lost)).toBeUndefined();
  });

  it("counts an exception only if the machine lacked something", () => {
    const worker = aWorker();
    const broken = { buildid: 1, results: Results.EXCEPTION, isLost: false };
    expect(judgeWorker(worker, broken)).toBeUndefined();
    worker.noteFault(1, "No space left on device");
    expect(judgeWorker(worker, broken)).toMatchObject({
      failure: { kind: "machine", cause: "No space left on device" },
    });
    // The step has coped with it.
    worker.noteFault(2, "No space left on device");
    expect(judgeWorker(worker, { buildid: 2, results: Results.SUCCESS, isLost: false })).toMatchObject({
      failure: null,
    });
  });

  it("clears a worker by a build that ran, and only if anything is held against it", () => {
    const worker = aWorker();
    const failed = { buildid: 1, results: Results.FAILURE, isLost: false };
    expect(judgeWorker(worker, failed)).toBeUndefined();
    worker.failures = 2;
    expect(judgeWorker(worker, failed)).toMatchObject({ failure: null });
    expect(judgeWorker(worker, failed)).toBeUndefined();
  });

  it("knows what machines lack", () => {
    expect(isMachineFault("[Errno 28] No space left on device: 'x'")).toBe(true);
    expect(isMachineFault("EMFILE: too many open files, open 'x'")).toBe(true);
    expect(isMachineFault("ENOENT: no such file or directory, open 'REIOX'")).toBe(false);
    expect(isMachineFault("UnicodeEncodeError: 'ascii' codec can't encode")).toBe(false);
  });
});
