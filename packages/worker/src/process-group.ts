import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const owned = new Set<number>();

/** Registers a group to be killed when this process exits; returns a function that unregisters it. */
export function ownGroup(group: number): () => void {
  if (owned.size === 0) process.on("exit", killOwned);
  owned.add(group);
  return () => {
    owned.delete(group);
    if (owned.size === 0) process.off("exit", killOwned);
  };
}

function killOwned(): void {
  for (const group of owned) signalGroup(group, "SIGKILL");
}

/** Sends a signal to every process of a group; false when none is left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Waits until no process of the group runs; returns false after `ms`. */
export async function waitForGroupEnd(group: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (let pause = 5; await isGroupRunning(group); pause = Math.min(pause * 2, 200)) {
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
  return true;
}

/**
 * Whether a process of the group runs. Zombies, which have ended but were not reaped, do not count: in a container they may
 * remain for seconds or forever.
 */
async function isGroupRunning(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  if (process.platform !== "linux") return true;
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return states.some((state) => {
    // "pid (name) state parent group …"; a name may contain spaces and parentheses.
    const [status, , member] = state.slice(state.lastIndexOf(")") + 2).split(" ");
    return Number(member) === group && status !== "Z" && status !== "X";
  });
}
