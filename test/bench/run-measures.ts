import { cleanUpLater } from "../harness/cleanup.ts";
import type { TestPostgres } from "../harness/postgres.ts";
import { limits } from "./limits/limits.ts";
import type { Figures, LimitName, Measure, Row, Size } from "./measure.ts";
import type { Side } from "./sides/side.ts";
import { type Spread, shown, spreadOf } from "./statistics.ts";

/** Everything that was measured, as it is written to report.json. */
export interface Results {
  readonly began: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: Record<string, string>;
  /** Titles of the sides; the first one is compared with the others. */
  readonly sides: readonly string[];
  readonly measures: readonly MeasureResults[];
  readonly limits: readonly (Omit<Row, "goal" | "limit"> & { readonly name: LimitName; readonly spread: Spread })[];
  /** Runs that failed, each as a sentence. */
  readonly failures: readonly string[];
}

export interface MeasureResults extends Pick<Measure, "name" | "title" | "about" | "along"> {
  readonly rows: readonly RowResults[];
  readonly notes: readonly string[];
}

export interface RowResults extends Row {
  /** By side; null: not measured. */
  readonly spreads: readonly (Spread | null)[];
  /** Of a curve, by side: figures by x. */
  readonly curves?: readonly (readonly { readonly x: number; readonly spread: Spread }[])[];
}

export interface RunOptions {
  readonly measures: readonly Measure[];
  readonly sides: readonly Side[];
  readonly postgres: TestPostgres;
  readonly size: Size;
  readonly rounds: number;
  readonly machine: Record<string, string>;
  print(line: string): void;
}

/** Runs each measure on each side, in turns: the side that begins changes from round to round. */
export async function runMeasures(options: RunOptions): Promise<Results> {
  const { measures, sides, rounds, size, machine, print } = options;
  const began = new Date();
  const failures: string[] = [];
  const results: MeasureResults[] = [];
  const bounds = await runLimits(options);
  for (const measure of measures) {
    const figures: Figures[][] = sides.map(() => []);
    const notes: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const turn = sides.map((_, i) => i);
      for (const i of round % 2 === 0 ? turn : turn.reverse()) {
        const side = sides[i] as Side;
        if (measure.sides && !measure.sides.includes(side.name)) continue;
        const what = `${measure.name}, round ${round + 1}, ${side.title}`;
        const endAll = cleanUpLater();
        try {
          const note = (text: string) => {
            notes.push(`${side.title}, round ${round + 1}: ${text}`);
            print(`${what}: ${text}`);
          };
          const found = await measure.run(side, { size, note });
          figures[i]?.push(found);
          print(`${what}: ${describe(found)}`);
        } catch (error) {
          failures.push(`${what}: ${(error as Error).message}`);
          print(`FAILED ${failures.at(-1)}`);
        } finally {
          await endAll();
        }
      }
    }
    const { name, title, about, along } = measure;
    const rows = measure.rows.map((row) => ({ ...row, ...collect(row.name, figures, along !== undefined) }));
    results.push({ name, title, about, ...(along !== undefined && { along }), rows, notes });
  }
  return {
    began: began.toISOString(),
    quick: size.quick,
    rounds,
    seconds: Math.round((Date.now() - began.getTime()) / 1000),
    machine,
    sides: sides.map((side) => side.title),
    measures: results,
    limits: bounds,
    failures,
  };
}

/** The limits of the rows that are measured, each once per round. */
async function runLimits({ measures, postgres, size, rounds, print }: RunOptions): Promise<Results["limits"]> {
  const wanted = new Set(measures.flatMap(({ rows }) => rows.flatMap(({ limit }) => limit ?? [])));
  const found: Results["limits"][number][] = [];
  for (const name of wanted) {
    const { row, run } = limits[name];
    const figures: number[] = [];
    for (let round = 0; round < rounds; round++) figures.push(await run(postgres, size));
    const spread = spreadOf(figures) as Spread;
    print(`limit: ${row.title}: ${shown(spread.median)} ${row.unit}`);
    found.push({ ...row, name, spread });
  }
  return found;
}

/** The figures of one row, of all sides and rounds. */
function collect(
  name: string,
  figures: readonly Figures[][],
  isCurve: boolean,
): Pick<RowResults, "spreads" | "curves"> {
  const spread = (side: readonly Figures[], key: string) =>
    spreadOf(side.flatMap((run) => (Object.hasOwn(run, key) ? (run[key] as number) : [])));
  if (!isCurve) return { spreads: figures.map((side) => spread(side, name) ?? null) };
  const curves = figures.map((side) => {
    const keys = new Set(side.flatMap((run) => Object.keys(run)).filter((key) => key.startsWith(`${name}@`)));
    return [...keys].map((key) => ({ x: Number(key.split("@")[1]), spread: spread(side, key) as Spread }));
  });
  return { spreads: curves.map((points) => points.at(-1)?.spread ?? null), curves };
}

function describe(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, figure]) => `${name} ${shown(figure)}`)
    .join(", ");
}
