import type { SchedulerContext } from "../define-scheduler.ts";

/** What keeps a scheduler from building: logged and shown once, until it is over or something else. */
export class Problems {
  #found: { message: string; cause: unknown }[] = [];
  #shown: string | null | undefined;

  add(message: string, cause?: unknown): void {
    this.#found.push({ message, cause });
  }

  /** What was found since the last `show`, in one sentence. */
  get latest(): string | undefined {
    return this.#found.at(-1)?.message;
  }

  /** Shows what was found since the last call, which is all there is. */
  async show(ctx: SchedulerContext): Promise<void> {
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
