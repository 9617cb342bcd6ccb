import { createBus, createBusHub, createPortBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { builds } from "../resources/builds.ts";
import { buildsets } from "../resources/buildsets.ts";
import { createOwnEvents } from "./own-events.ts";

it("an event of one role is heard by the others, in the same thread and in another", async () => {
  const main = createBus({ kind: "in-process" }, silentLog);
  const thread = createPortBus(createBusHub(main).open(), silentLog);
  const heard: string[] = [];
  let hearAll = () => {};
  const all = new Promise<void>((resolve) => (hearAll = resolve));
  const listen = (name: string, bus: typeof main) =>
    createOwnEvents(bus, silentLog).listen(builds, "new", () => {
      if (heard.push(name) === 4) hearAll();
    });
  const ends = [listen("ui", main), listen("engine", thread)];
  for (const bus of [main, thread]) {
    const publisher = createOwnEvents(bus, silentLog);
    publisher.note(buildsets, "new");
    publisher.note(builds, "finished");
    publisher.note(builds, "new");
  }
  await all;
  expect(heard.toSorted()).toEqual(["engine", "engine", "ui", "ui"]);
  for (const end of ends) end();
  await thread.stop();
  await main.stop();
});
