/** One life of a master, as one word that may stand in a topic. */
export function nameLife({ masterid, epoch }: { masterid: number; epoch: number }): string {
  return `${masterid}-${epoch}`;
}
