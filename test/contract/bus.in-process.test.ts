import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { describeBusContract } from "./bus.contract.ts";

describeBusContract("in-process", async () => {
  const bus = createBus({ kind: "in-process" }, silentLog);
  return { createBus: () => bus, createMutedBus: () => createBus({ kind: "in-process", mute: true }, silentLog) };
});
