import { setImmediate } from "node:timers/promises";

/** Functions of a config may take so long one after the other before other work has its turn. */
const longestTurnMs = 20;

/** Returns what to call between calls of functions of the config: requests that are under way are served there. */
export function takeTurns(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < longestTurnMs) return;
    await setImmediate();
    since = performance.now();
  };
}
