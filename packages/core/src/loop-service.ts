import type { Service } from "./service.ts";
import type { WakeupLoop } from "./wakeup-loop.ts";

/** A service that does nothing but run this loop. */
export function loopService(name: string, loop: WakeupLoop): Service {
  return {
    name,
    async start() {
      loop.start();
    },
    stop: () => loop.stop(),
    failure: () => loop.failure(),
  };
}
