import { onCleanup } from "./cleanup.ts";
import { startCrossbar } from "./crossbar.ts";

/** Environment variable with the URL at which the test files of a run ask for a realm; see keep-router.ts. */
export const routerKeeper = "MULTIMASTER_TEST_ROUTER_KEEPER";

/** A realm of a router. No one else publishes in it while the test file runs. */
export interface RouterRealm {
  readonly url: string;
  readonly realm: string;
}

/**
 * A realm of the router that all test files of a run share: starting a router takes seconds. A test that stops or
 * freezes its router starts one of its own instead. Outside a run of vitest, a router is started for the caller.
 */
export async function takeRealm(): Promise<RouterRealm> {
  const keeper = process.env[routerKeeper];
  if (keeper === undefined) return startCrossbar();
  const answer = await fetch(keeper, { method: "POST" });
  if (!answer.ok) throw new Error(`no realm of the shared router is free: ${await answer.text()}`);
  const taken = (await answer.json()) as RouterRealm;
  onCleanup(async () => void (await fetch(`${keeper}/${taken.realm}`, { method: "DELETE" })));
  return taken;
}
