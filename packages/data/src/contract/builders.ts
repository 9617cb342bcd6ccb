/** A builder as an engine has it in its config. */
export interface BuilderConfiguration {
  name: string;
  description: string | null;
  tags: readonly string[];
  project: string | null;
  /** Names of the workers that may run it. */
  workers: readonly string[];
  /** Most builds of it at once on this master; null: any number. */
  maxBuilds?: number | null;
  /** Where it builds on a worker. */
  directory?: string;
  /** Deaths of engines after which a request is not built again; null: it always is. */
  maxEngineDeaths?: number | null;
  /** The same for losses with its worker, or with a master that was stopped at once. */
  maxWorkerLosses?: number | null;
}

/** What an engine writes about its builders. */
export interface BuilderUpdates {
  /**
   * Makes this master's set of builders exactly `builders` (fenced): rows of builders, tags, projects, builder_masters
   * and their workers, in one transaction. Resolves to the ids by name.
   */
  configure(builders: readonly BuilderConfiguration[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Writes some of the rows of configured_workers that `configure` left out because they are many, if masters live that
   * read them (fenced). True: there may be more.
   */
  mirrorWorkers(): Promise<boolean>;
  /** Ids of this master's builders that no other master would run now. */
  onlyHere(): Promise<number[]>;
}
