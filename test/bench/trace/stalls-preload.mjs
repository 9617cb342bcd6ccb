// Loaded into a master with `node --import`: several times a second, appends a line with the time since the epoch and the longest delay
// of the event loop since the line before, both in milliseconds, to a file for each thread in the directory BENCH_STALLS.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { threadId } from "node:worker_threads";

const file = join(process.env.BENCH_STALLS, `${process.pid}-${threadId}`);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
setInterval(() => {
  appendFileSync(file, `${Date.now()} ${delay.max / 1e6}\n`);
  delay.reset();
}, 200).unref();
