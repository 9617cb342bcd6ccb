import { describeTimes } from "../harness/metrics.ts";
import type { PageCluster } from "./page-cluster.ts";

export interface UiTimes {
  /** Seconds of each answer, by what was asked. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  /** Whatever was not answered with 200. */
  readonly refused: readonly string[];
}

/** Asks the ui masters through the balancer what pages ask, one after the other: so many rounds, and at least so long. */
export async function measureUis(
  served: PageCluster,
  { rounds: fewest, seconds = 0 }: { rounds: number; seconds?: number },
): Promise<UiTimes> {
  const times: Record<string, number[]> = {};
  const refused: string[] = [];

  async function time(what: string, ask: () => Promise<number>): Promise<void> {
    const begun = performance.now();
    const status = await ask();
    (times[what] ??= []).push((performance.now() - begun) / 1000);
    if (status !== 200) refused.push(`${what}: ${status}`);
  }

  async function get(path: string): Promise<number> {
    const response = await fetch(new URL(`api/v2/${path}`, served.haproxy.url));
    await response.arrayBuffer();
    return response.status;
  }

  const { buildid } = await served.waitForBuild("tests", 1);
  const { steps } = await served.read<{ steps: { stepid: number; name: string }[] }>(`builds/${buildid}/steps`);
  const stepid = steps.find(({ name }) => name === "tests")?.stepid;
  const { logs } = await served.read<{ logs: { logid: number }[] }>(`steps/${stepid}/logs`);
  const ofBuild = [
    `builders/${served.builderIds["tests"]}/builds/1?property=*`,
    `builds/${buildid}/steps`,
    `steps/${stepid}/logs`,
    `logs/${logs[0]?.logid}/contents?offset=0&limit=1000`,
  ];
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < fewest || performance.now() < end; round++) {
    await time("builders", () => get("builders"));
    await time("newest builds", () => get("builds?limit=50&order=-buildid"));
    for (const path of ofBuild) await time("a page of a build", () => get(path));
    await time("cluster", () => get("members"));
    await time("command", () => served.call("workers/local", round % 2 === 0 ? "pause" : "unpause", { reason: "" }));
  }
  await served.call("workers/local", "unpause");
  return { times, refused };
}

/** The times of each kind of request side by side. */
export function describeBoth(measured: Readonly<Record<string, UiTimes>>): string {
  const kinds = Object.keys(Object.values(measured)[0]?.times ?? {});
  const lines = kinds.flatMap((kind) =>
    Object.entries(measured).map(([when, { times }]) => `  ${kind}, ${when}: ${describeTimes(times[kind] ?? [])}`),
  );
  return ["seconds for an answer of the ui masters:", ...lines].join("\n");
}
