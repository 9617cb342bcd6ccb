import { setTimeout as sleep } from "node:timers/promises";

/** Sends a signal to every process of a group; false when none is left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether any process of the group is left. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Waits until the group is empty; false when `ms` passed first. */
export async function waitForGroupEnd(group: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (let pause = 5; isGroupAlive(group); pause = Math.min(pause * 2, 100)) {
    if (performance.now() >= deadline) return false;
    await sleep(Math.min(pause, Math.max(1, deadline - performance.now())));
  }
  return true;
}
