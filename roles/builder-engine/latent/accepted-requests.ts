import type { Accepts } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type { Data, PendingRequest } from "@multimaster/data";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { GuardedFunction, GuardedFunctions } from "../start-rules/guarded-function.ts";
import { RequestFacts } from "../start-rules/request-facts.ts";
import { type Answer, failedAnswer, readAnswer } from "../start-rules/start-answers.ts";
import type { LatentWorker } from "./latent-worker.ts";

/** Answers that are remembered. */
const mostAnswers = 10_000;

type Refusal = Extract<Answer, { kind: "no" }>;

export interface AcceptedRequestsOptions {
  readonly latents: readonly LatentWorker[];
  readonly functions: GuardedFunctions;
  readonly data: Data;
  readonly clock: Clock;
}

/** What the functions of latent workers say of requests: no instance is started for one that none of its builds may be. */
export class AcceptedRequests {
  #functions: ReadonlyMap<string, GuardedFunction<Parameters<Accepts>>>;
  #facts: RequestFacts;
  #clock: Clock;
  #hide: GuardedFunctions["hide"];
  #answers = new Map<string, Answer>();

  constructor({ latents, functions, data, clock }: AcceptedRequestsOptions) {
    this.#functions = new Map(
      latents.flatMap(({ name, options: { accepts } }) =>
        accepts
          ? [[name, functions.guard(accepts, { owner: `latent worker "${name}"`, option: "accepts" })] as const]
          : [],
      ),
    );
    this.#facts = new RequestFacts(data);
    this.#clock = clock;
    this.#hide = functions.hide;
  }

  /** Why an instance of the latent worker would not take the request; undefined: it would. "gone": there is no such request. */
  async refusalOf(
    latent: string,
    request: PendingRequest,
    builder: ConfiguredBuilder,
  ): Promise<Refusal | "gone" | undefined> {
    const accepts = this.#functions.get(latent);
    if (!accepts) return undefined;
    const key = `${latent} ${request.buildrequestid}`;
    const now = this.#clock.now();
    const known = this.#answers.get(key);
    if (known && known.until > now) return known.kind === "yes" ? undefined : known;
    const [facts] = await this.#facts.read([request], builder.name);
    if (!facts) return "gone";
    const called = accepts.call([facts], (result) => readAnswer(result, now));
    const answer = called.kind === "returned" ? called.value : failedAnswer(called.why, now);
    if (this.#answers.size >= mostAnswers) this.#answers.clear();
    const shown = answer.kind === "yes" ? answer : { ...answer, why: this.#hide(answer.why) };
    this.#answers.set(key, shown);
    return shown.kind === "yes" ? undefined : shown;
  }
}
