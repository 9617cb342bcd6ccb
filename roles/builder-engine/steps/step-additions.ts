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
    return (steps, before) => {
      const { scope, stepid, name } = this.#options;
      const { engine, build, secrets } = scope;
      const addition = {
        buildid: build.buildid,
        addedBy: stepid,
        batch: this.#batches++,
        kind,
        before,
        steps: steps.map((step) => ({
          name: secrets.hide(nameOf(step)),
          addition: describeAddition(step, secrets),
        })),
      };
      return engine.persistence.write(`add steps of "${name}" to build ${build.buildid}`, () =>
        engine.data.updates.steps.add(addition),
      );
    };
  }
}

function nameOf({ plugin, options }: PluginDescriptor<"step">): string {
  return (plugin as StepDefinition).nameOf(options as Readonly<Record<string, unknown>>);
}
