import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "../harness/postgres.ts";
import { waitFor } from "../harness/wait-for.ts";
import { describeBusContract } from "./bus.contract.ts";

let postgres: TestPostgres;
let url: string;

describeBusContract("postgres", async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
  return {
    createBus: (log) => createBus({ kind: "postgres", url, pingMs: 500 }, log),
    createMutedBus: () => createBus({ kind: "postgres", url, mute: true }, silentLog),
    router: {
      kill: () => postgres.kill(),
      restart: () => postgres.start(),
      freeze: () => postgres.freeze(),
      thaw: () => postgres.thaw(),
      dropConnections: async () => {
        await postgres.psql(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'multimaster bus'",
        );
      },
    },
  };
});

it("comes back although its own server process stands still", async () => {
  const bus = createBus({ kind: "postgres", url, pingMs: 500 }, silentLog);
  await bus.start();
  const states: string[] = [];
  bus.onState((state) => states.push(state));
  const [backend] = await postgres.psql<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'multimaster bus'",
  );
  process.kill(backend?.pid as number, "SIGSTOP");
  try {
    await waitFor(() => states.length === 2, { what: "another connection" });
    expect(states).toEqual(["degraded", "connected"]);
  } finally {
    process.kill(backend?.pid as number, "SIGCONT");
  }
  await bus.stop();
});

it("ignores what others write to the channel", async () => {
  const bus = createBus({ kind: "postgres", url, channel: "Shared Channel" }, silentLog);
  await bus.start();
  const heard: unknown[] = [];
  await bus.subscribe(["a"], ({ payload }) => void heard.push(payload));
  for (const text of ["", "no JSON", "null", "{}", '{"s":"x","k":"a","m":1}', '{"s":"x","k":["a"],"m":"ours"}']) {
    await postgres.psql(`notify "Shared Channel", '${text}'`, url);
  }
  await waitFor(() => heard.length > 0, { what: "the message of our shape" });
  expect(heard).toEqual(["ours"]);
  expect(bus.state).toBe("connected");
  await bus.stop();
});
