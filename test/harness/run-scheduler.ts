import type { PluginDescriptor } from "@multimaster/config";
import type { SchedulerDefinition } from "@multimaster/plugins";
import { onCleanup } from "./cleanup.ts";
import { type FakeClock, type FakeSchedulerRows, fakeSchedulerContext } from "./scheduler-fakes.ts";
import { waitFor } from "./wait-for.ts";

/** Starts a scheduler on rows that outlive it. */
export async function runScheduler(
  { plugin, options }: PluginDescriptor<"scheduler">,
  rows: FakeSchedulerRows,
  clock: FakeClock,
) {
  let polls = 0;
  const counting = {
    ...clock,
    sleep(ms: number, signal?: AbortSignal) {
      polls++;
      return clock.sleep(ms, signal);
    },
  };
  const scheduler = await (plugin as SchedulerDefinition).start(
    fakeSchedulerContext(rows, "s", counting),
    plugin.options.parse(options),
  );
  const until = (count: number) => waitFor(() => polls >= count, { what: "a poll to end", intervalMs: 2 });
  const stop = () => scheduler.stop();
  onCleanup(stop);
  await until(1);
  return {
    async poll() {
      const at = polls;
      scheduler.wake?.();
      await until(at + 1);
      return this.built();
    },
    /** Time passes, and what it wakes up has polled. */
    async pass(ms: number) {
      const at = polls;
      clock.advance(ms);
      scheduler.wake?.();
      await until(at + 1);
      return this.built();
    },
    built: () => rows.submissions.map(({ changeids }) => changeids),
    stop,
  };
}
