/** Detects an unresponsive peer whose connection still stands. */
export interface Watchdog {
  /** Call this when the peer has sent anything. */
  alive(): void;
  end(): void;
}

/**
 * Calls `ping` every `pingMs`, and `dead` once two in a row had no answer. It counts pings, not time: after a stall of our
 * own event loop the answers are still unread, and the peer must not count as dead.
 */
export function startWatchdog(pingMs: number, ping: () => void, dead: () => void): Watchdog {
  let unanswered = 0;
  const timer = setInterval(() => {
    if (unanswered >= 2) {
      clearInterval(timer);
      dead();
      return;
    }
    unanswered += 1;
    ping();
  }, pingMs);
  return {
    alive() {
      unanswered = 0;
    },
    end: () => clearInterval(timer),
  };
}
