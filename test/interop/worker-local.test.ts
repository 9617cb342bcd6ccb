import { silentLog } from "@multimaster/core";
import { createLocalWorker } from "@multimaster/worker";
import { describeWire } from "../contract/wire.contract.ts";
import { markedEnvironment } from "../harness/cleanup.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";

describeWire("the local worker, in the master's process", async () => {
  const worker = createLocalWorker({
    name: "local",
    basedir: temporaryDirectory("worker"),
    log: silentLog,
    environment: { PATH: process.env["PATH"] ?? "", WIRE_OWN: "own", GONE: "here", ...markedEnvironment() },
  });
  await worker.start();
  let link = worker.connect();
  return {
    link: () => link,
    async reconnect() {
      link.terminate();
      await link.closed;
      link = worker.connect();
      return link;
    },
    stop: () => worker.stop(),
  };
});
