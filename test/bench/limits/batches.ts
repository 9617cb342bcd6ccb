/** How many masters claim at the same time, and how many requests each claims at a time. */
export const claimants = 4;
export const batch = 20;

export function inBatches(ids: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(ids.length / batch) }, (_, i) => ids.slice(i * batch, (i + 1) * batch));
}
