import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One set-up at a time per cache: two test runs may start together. */
export function withLock(cache, work) {
  const lock = join(cache, ".lock");
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (!isLockHeld(lock)) rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    writeFileSync(join(lock, "pid"), String(process.pid));
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function isLockHeld(lock) {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      const pid = Number(readFileSync(join(lock, "pid"), "utf8"));
      if (pid > 0) {
        process.kill(pid, 0);
        return true;
      }
    } catch (error) {
      if (error.code === "ESRCH") return false;
      if (error.code !== "ENOENT") return true;
    }
    // Its owner may be between making the directory and writing the pid.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  return false;
}
