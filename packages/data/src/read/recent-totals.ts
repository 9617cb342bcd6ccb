import type { Filter } from "../model/query.ts";
import { type CountedList, type CountTotal, countTotal } from "./count-total.ts";

/** A total that takes so long to count is kept, for so long. */
const leastKept = 1_000;
const keptMs = 1_000;
const maxKept = 1_000;

/** Counts of lists that end before an id are kept for ids that are multiples of these: of millions, few are needed. */
const idStep = 1_024;
const longIdStep = 65_536;

interface Kept {
  readonly total: number;
  readonly upTo: number;
  readonly at: number;
}

/**
 * Keeps large totals for a second: counting to 10,000 costs the database many times what fifty rows cost. Smaller ones, and
 * those that would say that there is no more, are always counted. `now` in milliseconds.
 */
export class RecentTotals {
  readonly #now: () => number;
  readonly #count: CountTotal;
  #kept = new Map<string, Kept>();

  constructor(now: () => number = () => performance.now(), count: CountTotal = countTotal) {
    this.#now = now;
    this.#count = count;
  }

  readonly count: CountTotal = async (list, upTo, read) => {
    const end = findEnd(list);
    const total = end === undefined ? await this.#ofKey(list, upTo) : await this.#before(list, end, upTo);
    return total > read ? total : this.#count(list, upTo, read);
  };

  /** What lies before the last multiple of the step is kept; the rest is counted. */
  async #before(list: CountedList, { filter, id }: End, upTo: number): Promise<number> {
    const others = list.context.filters.filter((each) => each !== filter);
    const of = (filters: readonly Filter[]): CountedList => ({ ...list, context: { ...list.context, filters } });
    const beforeStep = (at: number) => this.#ofKey(of([...others, { ...filter, values: [at] }]), upTo);
    const longStep = Math.floor(id / longIdStep) * longIdStep;
    if (longStep > 0 && (await beforeStep(longStep)) >= upTo) return upTo;
    const step = Math.floor(id / idStep) * idStep;
    const before = await beforeStep(step);
    if (before >= upTo) return before;
    const rest = of([...others, filter, { ...filter, operator: "ge", values: [step] }]);
    return Math.min(upTo, before + (await this.#count(rest, upTo - before, 0)));
  }

  async #ofKey(list: CountedList, upTo: number): Promise<number> {
    const { resource, context, path } = list;
    const key = JSON.stringify([resource.plural, path?.pattern, context.params, context.filters]);
    const kept = this.#kept.get(key);
    if (kept && this.#now() - kept.at < keptMs && (kept.total < kept.upTo || kept.upTo >= upTo))
      return Math.min(kept.total, upTo);
    const at = this.#now();
    const total = await this.#count(list, upTo, 0);
    this.#kept.delete(key);
    if (total < leastKept) return total;
    if (this.#kept.size >= maxKept) this.#kept.clear();
    this.#kept.set(key, { total, upTo, at });
    return total;
  }
}

interface End {
  readonly filter: Filter;
  readonly id: number;
}

/** The one filter that ends the list before an id: `buildid__lt=7`. */
function findEnd({ resource, context }: CountedList): End | undefined {
  const filters = context.filters.filter(({ field }) => field === resource.id);
  const [filter] = filters;
  if (filters.length !== 1 || filter?.operator !== "lt" || filter.values.length !== 1) return undefined;
  const [id] = filter.values;
  return typeof id === "number" && Number.isSafeInteger(id) && id >= idStep ? { filter, id } : undefined;
}
