import { createBus } from "@multimaster/bus";
import { type Json, silentLog } from "@multimaster/core";
import { buildrequests, builds, buildsets, createEvents, type Events, logs, masters, steps } from "@multimaster/data";
import { type Database, queryRows } from "@multimaster/database";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { recording, seedRecorded, withoutOwnFields } from "../../harness/rest-recordings.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("events on %s", (engine) => {
  let database: Database;
  let events: Events;
  let heard: [topic: string, payload: Json][];
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
  });
  beforeEach(() => {
    const bus = createBus({ kind: "in-process" }, silentLog);
    // As where a router is between: whether anyone hears is not known, so everything is published.
    Object.defineProperty(bus, "interest", { value: undefined });
    const { publish } = bus;
    heard = [];
    bus.publish = (key, payload) => {
      heard.push([key.join("."), payload]);
      publish.call(bus, key, payload);
    };
    events = createEvents({ bus, connection: database, log: silentLog });
  });

  it("of a build go out on its three topics with the object of the REST API", async () => {
    await events.of(builds).finished([3, 1]);
    const [one] = recording("builds_1").body.builds;
    expect(heard.map(([topic]) => topic)).toEqual([
      "builders.2.builds.2.finished",
      "builds.3.finished",
      "workers.1.builds.3.finished",
      "builders.1.builds.1.finished",
      "builds.1.finished",
      "workers.1.builds.1.finished",
    ]);
    expect(withoutOwnFields("builds", [heard[4]?.[1] as object])).toEqual([one]);
  });

  it("of a build without a worker say None where its id would be", async () => {
    await queryRows(
      database,
      "insert into builds (id, number, builderid, buildrequestid, masterid, started_at, locks_duration_s, state_string) values (70, 70, 1, 1, 1, 1, 0, '')",
    );
    await events.of(builds).new([70]);
    expect(heard.map(([topic]) => topic)).toEqual([
      "builders.1.builds.70.new",
      "builds.70.new",
      "workers.None.builds.70.new",
    ]);
  });

  it("of a new buildset name the scheduler and hide what is not decided", async () => {
    await events.of(buildsets).new([1], { scheduler: "force" });
    const { parent_relationship: _, ...rest } = recording("buildsets_1").body.buildsets[0];
    expect(heard).toEqual([["buildsets.1.new", { ...rest, results: null, scheduler: "force" }]]);
    heard.length = 0;
    await events.of(buildsets).complete([1]);
    expect(heard).toEqual([["buildsets.1.complete", recording("buildsets_1").body.buildsets[0]]]);
  });

  it("of a cancelled request carry nothing, on one topic", async () => {
    await events.of(buildrequests).cancel([1]);
    await events.of(buildrequests).claimed([1]);
    expect(heard.map(([topic]) => topic)).toEqual([
      "buildrequests.1.cancel",
      "buildsets.1.builders.1.buildrequests.1.claimed",
      "buildrequests.1.claimed",
      "builders.1.buildrequests.1.claimed",
    ]);
    expect(heard[0]?.[1]).toBeNull();
  });

  it("come out in the order of the calls, whatever each read takes", async () => {
    const all = [
      events.of(steps).new([7]),
      events.publishControl("builds", 3, "stop", { reason: "r" }),
      events.publishProperties(3, { a: [1, "Build"] }),
      events.of(logs).append([7]),
      events.of(masters).started([1]),
    ];
    await Promise.all(all);
    expect(heard.map(([topic]) => topic)).toEqual([
      "builds.3.steps.7.new",
      "steps.7.new",
      "control.builds.3.stop",
      "builds.3.properties.update",
      "logs.7.append",
      "steps.7.logs.stdio.append",
      "masters.1.started",
    ]);
  });

  it("that cannot be read are logged and hurt neither the update nor the events after them", async () => {
    await events.of(builds).finished([9999]);
    await events.of(masters).stopped([1]);
    expect(heard.map(([topic]) => topic)).toEqual(["masters.1.stopped"]);
  });

  it("reach who subscribed to a resource, an event or one object", async () => {
    const got: unknown[] = [];
    await events.on(builds, "finished", (message) => void got.push(["finished", message]));
    await events.on(builds, null, ({ id, event }) => void got.push(["any", id, event]));
    await events.on(builds, "finished", ({ id }) => void got.push(["only", id]), { id: 3 });
    const control = await events.onControl(
      { of: "builds", action: "stop" },
      (message) => void got.push(["stop", message]),
    );
    await events.of(builds).update([1]);
    await events.of(builds).finished([3]);
    await events.publishControl("builds", 3, "stop", { reason: "r" });
    await expect.poll(() => got).toHaveLength(5);
    await control.unsubscribe();
    await events.publishControl("builds", 4, "stop", { reason: "r" });
    expect(got).toEqual(
      expect.arrayContaining([
        ["any", 1, "update"],
        ["finished", { id: 3, event: "finished" }],
        ["any", 3, "finished"],
        ["only", 3],
        ["stop", { of: "builds", id: 3, action: "stop" }],
      ]),
    );
  });
});
