import type {
  Accepts,
  BuilderConfig,
  FreeWorkerFacts,
  PendingRequestFacts,
  ProbedWorker,
  RequestOrder,
  WorkerConfig,
} from "@multimaster/config";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { GuardedFunction, GuardedFunctions } from "./guarded-function.ts";

/** The functions that decide about a builder's requests; those that its config lacks are undefined. */
export interface BuilderRules {
  readonly canStart: GuardedFunction<[PendingRequestFacts, ProbedWorker]> | undefined;
  readonly nextWorker: GuardedFunction<[readonly FreeWorkerFacts[], PendingRequestFacts]> | undefined;
  readonly order: GuardedFunction<Parameters<RequestOrder>> | undefined;
  /** Some of its workers have a function of their own. */
  readonly hasChoosyWorkers: boolean;
}

/** The functions of builders and workers, each made once. */
export class FunctionTable {
  #functions: GuardedFunctions;
  #accepts: ReadonlyMap<string, GuardedFunction<Parameters<Accepts>>>;
  #ofBuilders = new Map<number, BuilderRules | undefined>();

  constructor(functions: GuardedFunctions, workers: readonly Pick<WorkerConfig, "name" | "accepts">[]) {
    this.#functions = functions;
    this.#accepts = new Map(
      workers.flatMap(({ name, accepts }) =>
        accepts ? [[name, functions.guard(accepts, { owner: `worker "${name}"`, option: "accepts" })] as const] : [],
      ),
    );
  }

  acceptsOf(workerName: string): GuardedFunction<Parameters<Accepts>> | undefined {
    return this.#accepts.get(workerName);
  }

  /** Undefined: no function is asked about its requests. */
  of(builder: ConfiguredBuilder): BuilderRules | undefined {
    const { builderid } = builder;
    if (!this.#ofBuilders.has(builderid)) this.#ofBuilders.set(builderid, this.#make(builder.config));
    return this.#ofBuilders.get(builderid);
  }

  #make({ name, canStart, nextWorker, order, workers }: BuilderConfig): BuilderRules | undefined {
    const hasChoosyWorkers = this.#accepts.size > 0 && workers.some((worker) => this.#accepts.has(worker));
    if (!canStart && !nextWorker && typeof order !== "function" && !hasChoosyWorkers) return undefined;
    const names = (option: string) => ({ owner: `builder "${name}"`, option, builder: name });
    return {
      canStart: canStart && this.#functions.guard(canStart, names("canStart")),
      nextWorker: nextWorker && this.#functions.guard(nextWorker, names("nextWorker")),
      order: typeof order === "function" ? this.#functions.guard(order, names("order")) : undefined,
      hasChoosyWorkers,
    };
  }
}
