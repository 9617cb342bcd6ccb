import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { createWholeEvents } from "./whole-events.ts";

/** PostgreSQL refuses a query with such an id, and with it the ids of all other messages that it reads for. */
it.each(["99999999999999999999", "1e400", "-1", "1.5", "abc", "__proto__"])(
  "looks for no object by an id that none can have: %s",
  async (id) => {
    let queries = 0;
    const connection = new Proxy({} as never, { get: () => void queries++ });
    const warned: unknown[] = [];
    const log = Object.assign(silentLog.child({}), { warn: (line: unknown) => warned.push(line) });
    const { complete } = createWholeEvents({ connection, log });
    const sent = [
      [["builders", id, "stopped"], null],
      [["builds", id, "properties", "update"], {}],
      [["builders", "1", "builds", "1", "finished"], { buildid: Number(id) / 3 }],
    ] as const;
    for (const [key, payload] of sent) expect(await complete({ key: [...key], payload }, "other")).toBeUndefined();
    expect([queries, warned]).toEqual([0, []]);
  },
);
