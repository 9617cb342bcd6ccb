import { describeIssue, descriptorOf, type PluginDescriptor } from "@multimaster/config";
import { type AddStepsOptions, type StepDefinition, StepsRefused } from "@multimaster/plugins";
import { z } from "zod";

/** Most steps that the steps of one build add to it. */
const mostAdded = 1000;

/** A step that its build has not begun. */
export interface PlannedStep {
  readonly step: StepDefinition;
  readonly options: Readonly<Record<string, unknown>>;
  /** Its index in the config; undefined: another step has added it. */
  readonly index?: number;
  /** Its row, if there is one already. */
  readonly row?: StepRow;
}

interface StepRow {
  readonly stepid: number;
  readonly name: string;
}

/** Writes pending rows, in front of that of another one. */
export type WriteRows = (
  steps: readonly PluginDescriptor<"step">[],
  before: number | undefined,
) => Promise<readonly StepRow[]>;

/** Writes one, in front of that of another step. */
export type WriteRow = (before: number | undefined) => Promise<StepRow>;

const given = z.array(descriptorOf("step"));

/** The steps that a build has not begun: first those of the config, to which steps add others. */
export class PlannedSteps {
  #left: PlannedStep[];
  /** Where the step that runs adds the next one. */
  #next = 0;
  #added = 0;
  /** One addition after the other: the last one that was begun. */
  #adding: Promise<unknown> = Promise.resolve();

  constructor(steps: readonly PlannedStep[]) {
    this.#left = [...steps];
  }

  /** The next one, once all that was to be added is there. */
  async take(): Promise<PlannedStep | undefined> {
    await this.#adding;
    this.#next = 0;
    return this.#left.shift();
  }

  /** Whether steps have been added that have not begun: no other engine knows what they do. */
  get hasAdded(): boolean {
    return this.#left.some(({ row }) => row !== undefined);
  }

  /** Adds all of them or none; `by` is the name of the step that does. Returns their rows. */
  add(
    steps: readonly PluginDescriptor<"step">[],
    { where = "next" }: AddStepsOptions,
    { by, write }: { readonly by: string; readonly write: WriteRows },
  ): Promise<readonly StepRow[]> {
    const adding = this.#adding.then(async () => {
      const checked = this.#check(steps, by);
      if (checked.length === 0) return [];
      const at = where === "next" ? this.#next : this.#left.length;
      const before = this.#left.slice(at).find(({ row }) => row !== undefined)?.row?.stepid;
      const rows = await write(checked, before);
      this.#left = [...this.#left.slice(0, at), ...toPlanned(checked, rows), ...this.#left.slice(at)];
      if (where === "next") this.#next += rows.length;
      return rows;
    });
    this.#adding = adding.catch(() => undefined);
    return adding;
  }

  /** Adds steps that run as parts of one that runs; the caller runs them. */
  addMembers(
    steps: readonly PluginDescriptor<"step">[],
    { by, write }: { readonly by: string; readonly write: WriteRows },
  ): Promise<readonly PlannedStep[]> {
    const adding = this.#adding.then(async () => {
      const checked = this.#check(steps, by);
      if (checked.length === 0) return [];
      return toPlanned(checked, await write(checked, this.#firstRow));
    });
    this.#adding = adding.catch(() => undefined);
    return adding;
  }

  /** Adds the row of a step that has no code of its own. */
  addRow({ by, write }: { readonly by: string; readonly write: WriteRow }): Promise<StepRow> {
    const adding = this.#adding.then(() => {
      this.#count(1, by);
      return write(this.#firstRow);
    });
    this.#adding = adding.catch(() => undefined);
    return adding;
  }

  get #firstRow(): number | undefined {
    return this.#left.find(({ row }) => row !== undefined)?.row?.stepid;
  }

  /** Checks their options, and counts them among those that were added. Throws `StepsRefused`. */
  #check(steps: readonly PluginDescriptor<"step">[], by: string): readonly PluginDescriptor<"step">[] {
    const parsed = given.safeParse(steps);
    if (!parsed.success) {
      const problems = parsed.error.issues.slice(0, 10).flatMap((issue) => describeIssue(issue, given, steps));
      throw new StepsRefused(`The steps that "${by}" adds are invalid: ${problems.join("; ")}`);
    }
    this.#count(steps.length, by);
    return parsed.data;
  }

  #count(more: number, by: string): void {
    if (this.#added + more > mostAdded) {
      const before = this.#added === 0 ? "" : ` after ${this.#added} others`;
      const what = more === 1 ? "1 step" : `${more} steps`;
      throw new StepsRefused(`"${by}" adds ${what}${before}, but the steps of a build add at most ${mostAdded} to it.`);
    }
    this.#added += more;
  }
}

/** Those of a config, from the one with this index on. */
export function planSteps(steps: readonly PluginDescriptor[], first = 0): PlannedStep[] {
  return steps
    .map(({ plugin, options }, index) => ({
      step: plugin as StepDefinition,
      options: options as PlannedStep["options"],
      index,
    }))
    .slice(first);
}

/** The same steps with their rows. */
function toPlanned(steps: readonly PluginDescriptor<"step">[], rows: readonly StepRow[]): PlannedStep[] {
  return steps.flatMap(({ plugin, options }, i) => {
    const row = rows[i];
    if (row === undefined) throw new Error(`a step that was added has no row: ${plugin.type}`);
    return [{ step: plugin as StepDefinition, options: options as PlannedStep["options"], row }];
  });
}
