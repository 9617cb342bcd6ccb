import { LeaseLost } from "@multimaster/cluster";
import { type Clock, silentLog, systemClock } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { Abandoned, Persistence } from "./persistence.ts";

const impatient: Clock = { ...systemClock, sleep: () => new Promise((resolve) => setImmediate(resolve)) };
const away = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

function make(onLeaseLost = () => {}) {
  return new Persistence({ clock: impatient, log: silentLog, onLeaseLost, isPassing: (error) => error === away });
}

describe("writing while the database is away", () => {
  it("tries again until it succeeds", async () => {
    let tries = 0;
    const write = async () => {
      tries += 1;
      if (tries < 50) throw away;
      return "stored";
    };
    expect(await make().write("x", write)).toBe("stored");
  });

  it("says which write has failed for the longest time, and no more when it has succeeded", async () => {
    const persistence = make();
    let isAway = true;
    const write = async () => {
      if (isAway) throw away;
    };
    expect(persistence.failure()).toBeUndefined();
    const first = persistence.write("x", write);
    await expect.poll(() => persistence.failure()?.error).toBe(away);
    const { since } = persistence.failure() as { since: number };
    const second = persistence.write("y", () => (isAway ? Promise.reject(new Error("later")) : Promise.resolve()));
    expect(persistence.failure()).toEqual({ since, error: away, cause: "connect ECONNREFUSED" });
    isAway = false;
    await Promise.allSettled([first, second]);
    expect(persistence.failure()).toBeUndefined();
  });

  it("gives up soon on an error that will not pass by itself", async () => {
    let tries = 0;
    const failing = make().write("x", () => Promise.reject(new Error(`a bug ${++tries}`)));
    await expect(failing).rejects.toThrow("a bug 8");
  });

  it("ends everything once when the lease is lost", async () => {
    let told = 0;
    const persistence = make(() => {
      told += 1;
    });
    const lost = new LeaseLost({ masterid: 1, name: "m", epoch: 1, leaseMs: 1000 });
    await expect(persistence.write("x", () => Promise.reject(lost))).rejects.toThrow(Abandoned);
    await expect(persistence.write("y", () => Promise.resolve())).rejects.toThrow(Abandoned);
    expect(told).toBe(1);
  });

  it("does not wait for a write that hangs once it is abandoned", async () => {
    const persistence = make();
    const hanging = persistence.write("x", () => new Promise(() => {}));
    persistence.abandon();
    await expect(hanging).rejects.toThrow(Abandoned);
  });

  it("never gives up what it insists on while the lease is held, whatever makes it fail", async () => {
    let tries = 0;
    const write = async () => {
      tries += 1;
      if (tries < 50) throw new Error("unknown reason");
      return "stored";
    };
    expect(await make().insist("x", write)).toBe("stored");
    const persistence = make();
    const never = persistence.insist("y", () => Promise.reject(new Error("a bug")));
    persistence.abandon();
    await expect(never).rejects.toThrow(Abandoned);
  });
});
