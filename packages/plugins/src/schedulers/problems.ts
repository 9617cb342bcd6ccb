import type { SchedulerContext } from "../define-scheduler.ts";
import { OptionFunctions } from "../option-functions.ts";

/** What keeps a scheduler from building: logged and shown once, until it is over or something else. */
export class Problems {
  /** Calls the functions of the scheduler's options: those that fail are problems until they work again. */
  readonly functions: OptionFunctions;
  #found: { message: string; cause: unknown }[] = [];
  #shown: string | null | undefined;

  constructor({ clock }: Pick<SchedulerContext, "clock">) {
    this.functions = new OptionFunctions(clock);
  }

  add(message: string, cause?: unknown): void {
    this.#found.push({ message, cause });
  }

  /** Adds what waits because of the latest, in the same sentence. */
  addConsequence(what: string): void {
    const latest = this.#found.at(-1);
    if (!latest) return;
    const message = `${latest.message}; ${what}`;
    const others = this.#found.filter((one) => one.message !== latest.message && one.message !== message);
    this.#found = [{ ...latest, message }, ...others];
  }

  /** What was found since the last `show`, in one sentence. */
  get latest(): string | undefined {
    return this.#found.at(-1)?.message;
  }

  /** Shows what was found since the last call, which is all there is. */
  async show(ctx: SchedulerContext): Promise<void> {
    const known = this.#found.map(({ message }) => message);
    for (const { sentence, cause } of this.functions.failing)
      if (!known.some((message) => message.startsWith(sentence))) this.add(sentence, cause);
    const [first, ...others] = this.#found;
    this.#found = [];
    const more = others.length > 0 ? `; and ${others.length} more` : "";
    const problem = first ? `${first.message}${more}` : null;
    if (problem === this.#shown) return;
    if (first) ctx.log.error({ scheduler: ctx.name, err: first.cause }, `the scheduler "${ctx.name}": ${problem}`);
    await ctx.setProblem(problem);
    this.#shown = problem;
  }
}
