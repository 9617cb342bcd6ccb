import { expect, it } from "vitest";
import type { Service } from "./service.ts";
import { ServicePlace } from "./service-place.ts";

function recorded(name: string, log: string[], failsToStart = false): Service {
  return {
    name,
    async start() {
      log.push(`start ${name}`);
      if (failsToStart) throw new Error("no");
    },
    async stop() {
      log.push(`stop ${name}`);
    },
    ready: () => name,
  };
}

it("another service takes a place over: the first is stopped, then the other is started", async () => {
  const log: string[] = [];
  const place = new ServicePlace(recorded("a", log));
  await place.start();
  await place.replace(() => recorded("b", log));
  expect([place.name, place.ready()]).toEqual(["a", "b"]);
  await place.stop();
  expect(log).toEqual(["start a", "stop a", "start b", "stop b"]);
});

it("a place that was stopped takes no other service, and one that was not started starts none", async () => {
  const log: string[] = [];
  const place = new ServicePlace(recorded("a", log));
  await place.replace(() => recorded("b", log));
  await place.stop();
  await place.replace(() => recorded("c", log));
  expect(log).toEqual(["stop a", "stop b"]);
});

it("a service that cannot start is an error for who replaces it, and not for the next", async () => {
  const log: string[] = [];
  const place = new ServicePlace(recorded("a", log));
  await place.start();
  await expect(place.replace(() => recorded("b", log, true))).rejects.toThrow("no");
  await place.replace(() => recorded("c", log));
  expect(place.ready()).toBe("c");
});
