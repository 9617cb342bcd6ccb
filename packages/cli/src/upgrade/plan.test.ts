import type { MasterStatus } from "@multimaster/operator/upgrade-rows";
import { describe, expect, it } from "vitest";
import { type PlanOptions, planUpgrade } from "./plan.ts";
import type { StartedAs } from "./started-as.ts";

let pids = 100;

function master(name: string, facts: Partial<MasterStatus> = {}): MasterStatus {
  const pid = pids++;
  const base = { masterid: pid, name, alive: true, buildbot: false, state: "running", roles: ["ui"], builderSets: [] };
  return {
    ...base,
    epoch: 1,
    leaseRemaining: 10,
    host: "here",
    pid,
    release: "1",
    dataVersion: 1,
    ...facts,
  } as MasterStatus;
}

const ended = (name: string) => master(name, { alive: false, state: "stopped" });

function plan(masters: readonly MasterStatus[], options: Partial<PlanOptions> = {}) {
  return planUpgrade(masters, { host: "here", startedAs: () => undefined, isRunning: () => true, ...options });
}

const names = (masters: readonly MasterStatus[]) => plan(masters).map(({ old, name }) => `${old.name} -> ${name}`);

describe("the plan of an upgrade", () => {
  it("replaces the masters of its host that run, and no others", () => {
    const killed = master("killed");
    const masters = [
      master("a"),
      master("elsewhere", { host: "there" }),
      master("leaving", { state: "draining" }),
      killed,
      ended("gone"),
    ];
    const found = plan(masters, { isRunning: (pid) => pid !== killed.pid });
    expect(found.map(({ old }) => old.name)).toEqual(["a"]);
  });

  it("takes turns between NAME and NAME-2", () => {
    expect(names([master("host-ui")])).toEqual(["host-ui -> host-ui-2"]);
    expect(names([ended("host-ui"), master("host-ui-2")])).toEqual(["host-ui-2 -> host-ui"]);
  });

  it("names the successors of two masters differently", () => {
    expect(names([master("ui"), master("ui-2")])).toEqual(["ui -> ui-3", "ui-2 -> ui-4"]);
  });

  it("does not take a number that people gave for its own", () => {
    expect(names([master("web-1"), master("web-2")])).toEqual(["web-1 -> web-1-2", "web-2 -> web-2-2"]);
    expect(names([ended("web-1"), master("web-1-2")])).toEqual(["web-1-2 -> web-1"]);
  });

  it("keeps a name that a lease still holds", () => {
    expect(names([master("ui"), master("ui-2", { alive: false, state: "expired" })])).toEqual(["ui -> ui-3"]);
  });

  it("starts an engine with the sets that its predecessor was started with; without any, with all sets", () => {
    const engine = { roles: ["builder-engine"], builderSets: ["web"] };
    const masters = [master("told", engine), master("untold", engine), master("unknown", engine)];
    const [told, untold] = masters;
    const startedAs = (pid: number): StartedAs | undefined =>
      pid === told?.pid
        ? { config: "/c.ts", hasAllSets: false }
        : pid === untold?.pid
          ? { config: "/c.ts", hasAllSets: true }
          : undefined;
    expect(plan(masters, { startedAs }).map(({ builderSets }) => builderSets)).toEqual([["web"], "all", ["web"]]);
  });

  it("refuses one new config for masters of several, unless they are named", () => {
    const masters = [master("a"), master("b")];
    const startedAs = (pid: number) => ({ config: pid === masters[0]?.pid ? "/a.ts" : "/b.ts", hasAllSets: true });
    expect(() => plan(masters, { startedAs })).toThrow("different configs (/a.ts: a; /b.ts: b)");
    expect(plan(masters, { startedAs, names: ["b"] })).toHaveLength(1);
  });

  it("says who runs when no one is found", () => {
    expect(() => plan([master("a", { host: "there" })])).toThrow("(running in the cluster: a on there)");
    expect(() => plan([master("a")], { names: ["b"] })).toThrow("No master named b runs on the host here");
    expect(() => plan([master("a"), master("b", { state: "starting" })])).toThrow("Still starting: b");
  });
});
