/** One incarnation of a master, from joining to its end, as one word that may stand in a topic. */
export function nameIncarnation({ masterid, epoch }: { masterid: number; epoch: number }): string {
  return `${masterid}-${epoch}`;
}
