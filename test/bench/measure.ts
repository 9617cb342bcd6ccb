import type { Side, SideName } from "./sides/side.ts";

/** How much work a measure does. */
export interface Size {
  readonly quick: boolean;
  /** One of these, by form. */
  pick<T>(quick: T, long: T): T;
  /** Builds of the longest history of the growth curves. */
  readonly builds: number;
}

/** What a figure must reach; `text` is shown. */
export interface Goal {
  readonly text: string;
  /** Against the median of the other side, as a factor in the better direction. */
  readonly times?: number;
  /** Against a fixed figure. */
  readonly at?: number;
  /** Against the raw limit, as a share. */
  readonly ofLimit?: number;
}

/** One row of the table. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: "per s" | "ms" | "s" | "MB" | "MB/s" | "×";
  readonly better: "more" | "less";
  readonly goal?: Goal;
  /** The row of raw limits that bounds this one. */
  readonly limit?: LimitName;
  /** Why the other side has no figure here. */
  readonly alone?: string;
}

export type LimitName = "commits" | "commit" | "claims" | "http" | "insert" | "transfer" | "process" | "memory";

/** Figures of one run: by the name of a row, or by "name@x" for a point of a curve. */
export type Figures = Record<string, number>;

/** What a measure works with. */
export interface Bench {
  readonly size: Size;
  /** Shows progress, and details that are no figures. */
  note(text: string): void;
}

/** One thing that is measured: a name to ask for it, and the rows that one run of it fills. */
export interface Measure {
  readonly name: string;
  readonly title: string;
  /** What it does, in one or two sentences. */
  readonly about: string;
  readonly rows: readonly Row[];
  /** The title of the x axis, for a measure whose figures are points of curves. */
  readonly along?: string;
  /** Sides that can run it; default: both. */
  readonly sides?: readonly SideName[];
  /** Part of the quick form unless it says no. */
  readonly quick?: boolean;
  run(side: Side, bench: Bench): Promise<Figures>;
}
