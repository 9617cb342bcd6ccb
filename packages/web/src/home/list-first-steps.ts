/** What a new cluster has; undefined: not read yet. */
export interface Beginnings {
  readonly builders: number;
  readonly workers: number;
  readonly attached: number;
  readonly changes: number;
}

export interface FirstStep {
  readonly isDone: boolean;
  readonly sentence: string;
  /** The page that shows it. */
  readonly href: string;
}

/** From nothing to the first build, in this order: what is done, and for the rest what to do. */
export function listFirstSteps({ builders, workers, attached, changes }: Beginnings): FirstStep[] {
  return [
    {
      isDone: builders > 0,
      sentence:
        builders > 0
          ? `${builders === 1 ? "1 builder is" : `${builders} builders are`} configured`
          : "Add a builder to the builders of the config",
      href: "/builders",
    },
    {
      isDone: attached > 0,
      sentence:
        attached > 0
          ? `${attached === 1 ? "1 worker is" : `${attached} workers are`} attached`
          : workers > 0
            ? "No worker is attached: start one of those in the config, with `worker start`"
            : "Add a worker to the workers of the config",
      href: "/workers",
    },
    {
      isDone: changes > 0,
      sentence:
        changes > 0
          ? "A change was seen"
          : "No change was seen: push a commit to a repository that a change source polls or whose forge calls the hook",
      href: "/changes",
    },
    {
      isDone: false,
      sentence: "Start the first build: push a commit, or force a build on a builder's page",
      href: "/builders",
    },
  ];
}
