import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { EventName } from "../model/event-names.ts";
import { builders } from "../resources/builders.ts";
import { buildrequests } from "../resources/buildrequests.ts";
import { builds } from "../resources/builds.ts";
import { buildsets } from "../resources/buildsets.ts";
import { flakyTests } from "../resources/tests/flaky-tests.ts";
import { createEvents, type Events } from "./events.ts";

/** `tsc` checks this file: each line marked as an error fails the check once it compiles. */
describe("a mistyped event", () => {
  const bus = createBus({ kind: "in-process" }, silentLog);
  const events: Events = createEvents({ bus, connection: undefined as never, log: silentLog });

  it("does not compile where it is published", () => {
    expectTypeOf<EventName<typeof builds>>().toEqualTypeOf<"new" | "update" | "finished">();
    expectTypeOf<EventName<typeof flakyTests>>().toBeNever();
    // @ts-expect-error: the event is "finished"
    expect(events.of(builds).finish).toBeUndefined();
    // @ts-expect-error: this resource has no events
    expect(events.of(flakyTests).new).toBeUndefined();
    expectTypeOf(events.publishControl<"builds">)
      .parameter(2)
      .toEqualTypeOf<"stop">();
  });

  it("does not compile where it is subscribed to", async () => {
    // @ts-expect-error: the event is "finished"
    await events.on(builds, "finish", () => {});
    // @ts-expect-error: a build request has no such field
    expect(() => events.onPartOf(buildrequests, "new", "buildersid", () => {})).toThrow("no topic");
    // @ts-expect-error: builds are stopped, and no message cancels them
    await events.onControl({ of: "builds", action: "cancel" }, () => {});
  });

  it("takes exactly the facts that its resource declares", () => {
    expectTypeOf(events.of(builds).finished).parameters.toEqualTypeOf<[ids: readonly number[]]>();
    expectTypeOf(events.of(builders).update).parameters.toEqualTypeOf<[ids: readonly number[]]>();
    expectTypeOf(events.of(builders).started).parameter(1).toEqualTypeOf<{ masterid: number }>();
    expectTypeOf(events.of(buildsets).new).parameter(1).toEqualTypeOf<{ scheduler: string | null }>();
  });
});
