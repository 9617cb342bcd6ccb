import { type Result, Results } from "@multimaster/core";
import type { AnnouncedStep, StepContext } from "@multimaster/plugins";
import { StepLogs } from "../logs/step-logs.ts";
import type { BuildScope } from "./build-scope.ts";
import type { StepAdditions } from "./step-additions.ts";
import { checkUrl, showLinkName } from "./step-values.ts";

export interface AnnouncedStepsOptions {
  readonly scope: Pick<BuildScope, "engine" | "secrets" | "limits">;
  readonly additions: StepAdditions;
  onWait(): void;
  onReturn(): Promise<void>;
}

/** The steps of which one step says what happens in them. */
export class AnnouncedSteps {
  #options: AnnouncedStepsOptions;
  #open = new Set<Announced>();

  constructor(options: AnnouncedStepsOptions) {
    this.#options = options;
  }

  announce: StepContext["announceStep"] = async (wanted) => {
    const { scope, additions, onWait, onReturn } = this.#options;
    onWait();
    try {
      const announced = new Announced(scope, await additions.announce(wanted), (ended) => this.#open.delete(ended));
      this.#open.add(announced);
      return announced;
    } finally {
      await onReturn();
    }
  };

  /** Those that are open end as the step that has announced them. */
  async endAll(results: Result): Promise<void> {
    for (const step of [...this.#open]) await step.end({ results, text: "ended with the step that announced it" });
  }
}

class Announced implements AnnouncedStep {
  readonly name: string;
  #stepid: number;
  #scope: AnnouncedStepsOptions["scope"];
  #logs: StepLogs;
  #onEnd: (self: Announced) => void;
  #ending: Promise<void> | undefined;

  constructor(
    scope: AnnouncedStepsOptions["scope"],
    { stepid, name }: { readonly stepid: number; readonly name: string },
    onEnd: (self: Announced) => void,
  ) {
    const { engine, secrets, limits } = scope;
    const { data, persistence, clock } = engine;
    this.name = name;
    this.#stepid = stepid;
    this.#scope = scope;
    this.#logs = new StepLogs({ stepid, updates: data.updates.logs, persistence, clock, secrets, limits });
    this.#onEnd = onEnd;
  }

  log: AnnouncedStep["log"] = (name, type = "t") => this.#logs.get(name, name === "stdio" ? "s" : type);

  async addUrl(name: string, url: string): Promise<void> {
    const { engine, secrets } = this.#scope;
    const [shown, link] = [showLinkName(secrets.hide(name)), checkUrl(secrets.hide(url))];
    await engine.persistence.write(`add URL to step ${this.#stepid}`, () =>
      engine.data.updates.steps.addUrl(this.#stepid, shown, link),
    );
  }

  end(end: { readonly results: Result; readonly text: string }): Promise<void> {
    this.#ending ??= this.#end(end);
    return this.#ending;
  }

  async #end({ results, text }: { readonly results: Result; readonly text: string }): Promise<void> {
    const { engine, secrets } = this.#scope;
    const { persistence, data, log } = engine;
    let ended = results;
    await this.#logs.finish().catch((error: unknown) => {
      if (persistence.isPassing(error)) throw error;
      log.error({ stepid: this.#stepid, err: error }, `a log of step ${this.#stepid} could not be stored`);
      ended = Results.EXCEPTION;
    });
    await persistence.write(`finish step ${this.#stepid}`, () =>
      data.updates.steps.finish(this.#stepid, { results: ended, state: secrets.hide(text), hidden: false }),
    );
    this.#onEnd(this);
  }
}
