import type { PluginDescriptor } from "@multimaster/config";
import type { StepAddition } from "@multimaster/data";
import type { StepContext, StepDefinition } from "@multimaster/plugins";
import type { BuildScope } from "./build-scope.ts";
import { describeAddition } from "./describe-addition.ts";
import type { WriteRows } from "./planned-steps.ts";

export interface StepAdditionsOptions {
  scope: Pick<BuildScope, "engine" | "build" | "secrets" | "planned">;
  stepid: number;
  /** The step's name. */
  name: string;
  onWait(): void;
  onReturn(): Promise<void>;
}

/** What one step adds to its build. */
export class StepAdditions {
  #options: StepAdditionsOptions;
  #batches = 0;

  constructor(options: StepAdditionsOptions) {
    this.#options = options;
  }

  addSteps: StepContext["addSteps"] = async (steps, options = {}) => {
    const { scope, name, onWait, onReturn } = this.#options;
    onWait();
    try {
      const write = this.writer(options.where ?? "next");
      return (await scope.planned.add(steps, options, { by: name, write })).map((row) => row.name);
    } finally {
      await onReturn();
    }
  };

  /** Writes rows that say which step added what. */
  writer(kind: StepAddition["kind"]): WriteRows {
    const { secrets } = this.#options.scope;
    return (steps, before) =>
      this.#write(
        kind,
        before,
        steps.map((step) => ({ name: nameOf(step), addition: describeAddition(step, secrets) })),
      );
  }

  /** Begins a step that has no code of its own. */
  async announce(wanted: string): Promise<{ readonly stepid: number; readonly name: string }> {
    const { scope, name } = this.#options;
    const { persistence, data } = scope.engine;
    const addition = JSON.stringify({ step: "announced", options: {} });
    const row = await scope.planned.addRow({
      by: name,
      write: async (before) => {
        const [first] = await this.#write("announced", before, [{ name: wanted, addition }]);
        if (first === undefined) throw new Error("a step that was announced has no row");
        return first;
      },
    });
    await persistence.write(`start step ${row.stepid}`, () => data.updates.steps.start(row.stepid));
    return row;
  }

  #write(
    kind: StepAddition["kind"],
    before: number | undefined,
    steps: StepAddition["steps"],
  ): Promise<readonly { readonly stepid: number; readonly name: string }[]> {
    const { scope, stepid, name } = this.#options;
    const { engine, build, secrets } = scope;
    const { buildid } = build;
    const hidden = steps.map((step) => ({ ...step, name: secrets.hide(step.name) }));
    const addition = { buildid, addedBy: stepid, batch: this.#batches++, kind, before, steps: hidden };
    return engine.persistence.write(`add steps of "${name}" to build ${buildid}`, () =>
      engine.data.updates.steps.add(addition),
    );
  }
}

function nameOf({ plugin, options }: PluginDescriptor<"step">): string {
  return (plugin as StepDefinition).nameOf(options as Readonly<Record<string, unknown>>);
}
