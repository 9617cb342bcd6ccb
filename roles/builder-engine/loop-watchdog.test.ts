import { createMetrics, type Logger, silentLog } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { LoopWatchdog } from "./loop-watchdog.ts";

describe("a blocked event loop", () => {
  function watch() {
    const said: string[] = [];
    const log: Logger = Object.assign(Object.create(silentLog), {
      warn: (_fields: unknown, text: string) => said.push(text),
    });
    let now = 0;
    const metrics = createMetrics();
    const watchdog = new LoopWatchdog({ log, metrics, now: () => now });
    const advance = (ms: number) => {
      now += ms;
      watchdog.look();
    };
    advance(100);
    const pass = (ms: number) => {
      now += ms;
    };
    return { said, metrics, watchdog, pass, advance };
  }

  it("is reported with the step that blocked, in log and metrics", async () => {
    const { said, metrics, watchdog, advance } = watch();
    watchdog.enter({ builder: "other", step: "innocent", buildid: 1 });
    advance(100);
    watchdog.enter({ builder: "web", step: "parse", buildid: 7 });
    advance(5100);
    expect(said).toEqual(['the event loop stood still for 5 s while it ran step "parse" of builder "web" (build 7)']);
    expect(await metrics.metrics()).toContain(
      'multimaster_event_loop_blocked_seconds_total{builder="web",step="parse"} 5',
    );
  });

  it("is reported with the step that blocked, even if others ran at the same time", () => {
    const { said, watchdog, pass, advance } = watch();
    watchdog.enter({ builder: "other", step: "innocent", buildid: 1 });
    pass(10);
    const place = { builder: "web", step: "parse", buildid: 7 };
    watchdog.enter(place);
    pass(5000);
    watchdog.leave(place);
    watchdog.enter({ builder: "other", step: "late", buildid: 2 });
    advance(200);
    expect(said).toEqual(['the event loop stood still for 5.1 s while it ran step "parse" of builder "web" (build 7)']);
  });

  it("is reported with the step whose code is waiting, if no step was entered just now", () => {
    const { said, watchdog, advance } = watch();
    const innocent = { builder: "other", step: "innocent", buildid: 1 };
    watchdog.enter(innocent);
    watchdog.enter({ builder: "web", step: "parse", buildid: 7 });
    watchdog.leave(innocent);
    advance(100);
    advance(100);
    advance(3100);
    expect(said).toEqual(['the event loop stood still for 3 s while it ran step "parse" of builder "web" (build 7)']);
  });

  it("is not made of short delays", () => {
    const { said, watchdog, advance } = watch();
    watchdog.enter({ builder: "web", step: "parse", buildid: 7 });
    advance(600);
    expect(said).toEqual([]);
  });

  it("is reported also when no step was running", () => {
    const { said, advance } = watch();
    advance(2100);
    expect(said).toEqual(["the event loop stood still for 2 s; no step's code was running"]);
  });
});
