import { type Data, masters, schedulers } from "@multimaster/data";

type Subscription = Awaited<ReturnType<Data["events"]["on"]>>;

/**
 * Listens to what sets claims free: a master that left or was evicted, a scheduler released or switched, and the
 * return of messages after a time without. A master that drains releases its schedulers last, so that their event
 * also covers its change sources, which have none of their own.
 */
export async function listenForClaims(
  data: Data,
  look: () => void,
  others: readonly Promise<Subscription>[] = [],
): Promise<() => Promise<void>> {
  const subscriptions = await Promise.all([
    data.events.on(masters, "stopped", look),
    data.events.on(schedulers, "updated", look),
    ...others,
  ]);
  const forget = data.bus.onState(look);
  return async () => {
    forget();
    await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  };
}
