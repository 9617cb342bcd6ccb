import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { describeBusContract } from "./bus.contract.ts";

describeBusContract("none", async () => {
  const bus = createBus({ kind: "none" }, silentLog);
  return { createBus: () => bus, createMutedBus: () => createBus({ kind: "none", mute: true }, silentLog) };
});
