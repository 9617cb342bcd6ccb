import type { NewTriggerItem, TriggerItemChange } from "@multimaster/data";
import type { StepItems } from "@multimaster/plugins";
import type { BuildScope } from "./build-scope.ts";
import type { Turns } from "./turns.ts";

/** Notes that are written together. */
const batch = 200;

/** Writes down what a step builds item by item. */
export async function listStepItems(
  { engine, build, secrets }: BuildScope,
  stepid: number,
  turns: Turns,
  items: readonly NewTriggerItem[],
): Promise<StepItems> {
  const { data, persistence } = engine;
  const { triggerItems } = data.updates;
  const shown = items.map(({ name, after }) => ({
    name: secrets.hide(name),
    after: after.map((n) => secrets.hide(n)),
  }));
  turns.leave();
  await persistence.write(`list the items of step ${stepid}`, () =>
    triggerItems.begin({ buildid: build.buildid, stepid }, shown),
  );
  await turns.enter();
  return new ItemNotes(new Map(items.map(({ name }, i) => [name, i + 1])), {
    write: (changes) => persistence.write(`note items of step ${stepid}`, () => triggerItems.change(stepid, changes)),
    readFailure: (buildid) =>
      persistence.write(`read what failed in build ${buildid}`, () => triggerItems.readFailure(buildid)),
    turns,
  });
}

interface ItemNotesOptions {
  write(changes: readonly TriggerItemChange[]): Promise<void>;
  readFailure(buildid: number): Promise<string | undefined>;
  readonly turns: Turns;
}

/** What is to be written, and of which build it is to be read what failed. */
type Note = TriggerItemChange & { readonly failed?: number | undefined };

/** Writes notes in their order, many together when they come faster than they are written. */
class ItemNotes implements StepItems {
  #numbers: ReadonlyMap<string, number>;
  #options: ItemNotesOptions;
  #waiting: Note[] = [];
  #running: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  constructor(numbers: ReadonlyMap<string, number>, options: ItemNotesOptions) {
    this.#numbers = numbers;
    this.#options = options;
  }

  requested: StepItems["requested"] = (name, requests) => this.#note({ number: this.#numberOf(name), requests });

  ended: StepItems["ended"] = (name, { results, note = null, failed }) =>
    this.#note({ number: this.#numberOf(name), end: { results, note }, failed });

  async flush(): Promise<void> {
    const { turns } = this.#options;
    turns.leave();
    await this.#running;
    await turns.enter();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #numberOf(name: string): number {
    const number = this.#numbers.get(name);
    if (number === undefined) throw new Error(`the step has listed no item "${name}"`);
    return number;
  }

  #note(change: Note): void {
    this.#waiting.push(change);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const changes = this.#waiting.splice(0, batch);
      try {
        await this.#options.write(await Promise.all(changes.map((change) => this.#explain(change))));
      } catch (error) {
        this.#failure = { error };
      }
    }
    this.#running = undefined;
  }

  async #explain({ failed, ...change }: Note): Promise<TriggerItemChange> {
    if (failed === undefined || change.end === undefined) return change;
    const cause = await this.#options.readFailure(failed);
    return { ...change, end: { ...change.end, note: cause ?? change.end.note } };
  }
}
