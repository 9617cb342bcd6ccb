/** The time of a snapshot and what is judged by it: whole epoch seconds of the database's clock, to be written into SQL. */
export interface Moment {
  readonly now: number;
  /** What happened up to then is no longer in the middle of happening: the grace time before now. */
  readonly before: number;
  /** Checks that would read the whole history read what began since then. */
  readonly since: number;
  /** Since when the database could be asked: no master can renew a lease while it is away. */
  readonly upSince: number;
}

/** A condition that must hold in a cluster at any moment, as data. `docs/audit.md` is made of it. */
export interface Check {
  readonly id: string;
  /** A finding in words: a sentence without its full stop, for one and, with `{n}`, for several. */
  readonly one: string;
  readonly many: string;
  /** What it means for the cluster. */
  readonly means: string;
  /** What an operator does. */
  readonly advice: string;
  /** It reads history, and so only what began within the window (`--since`). */
  readonly windowed?: true;
  /** A select of `id`, each once: what does not hold. It must return nothing for what a healthy cluster shows for a moment. */
  sql(at: Moment): string;
}
