import { createHash } from "node:crypto";
import { type Result, Results } from "@multimaster/core";
import type { ReportedBuild, ReportedStep } from "@multimaster/data";

/** A span in the JSON of OTLP (opentelemetry-proto, trace/v1). */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: AttributeValue }[];
  readonly status: { readonly code: number; readonly message?: string };
}

type AttributeValue = { readonly stringValue: string } | { readonly intValue: string };
type Attributes = Readonly<Record<string, string | number | null | undefined>>;

/** SPAN_KIND_INTERNAL, and the codes of a status. */
const internal = 1;
const codes = { ok: 1, error: 2 } as const;

/** The values of `cicd.pipeline.result` and of `cicd.pipeline.task.run.result` (semantic conventions for CI/CD). */
const resultNames: Readonly<Record<Result, string>> = {
  [Results.SUCCESS]: "success",
  [Results.WARNINGS]: "success",
  [Results.FAILURE]: "failure",
  [Results.SKIPPED]: "skip",
  [Results.EXCEPTION]: "error",
  [Results.RETRY]: "error",
  [Results.CANCELLED]: "cancellation",
};

interface ReportOfBuild {
  readonly build: ReportedBuild;
  readonly url: string;
  readonly at: number;
}

/** The spans of a build: the whole from the request to the end, the wait of the request, and each step that has run. */
export function spansOf(cluster: string, { build, url, at }: ReportOfBuild, steps: readonly ReportedStep[]): Span[] {
  const traceId = idOf(`${cluster} build ${build.buildid}`, 32);
  const spanIdOf = (part: string) => idOf(`${cluster} build ${build.buildid} ${part}`, 16);
  const end = build.completeAt ?? at;
  const root = spanIdOf("whole");
  const span = (
    part: string,
    name: string,
    [from, to]: readonly [number, number],
    { result, state, attributes }: { result?: Result | null; state?: string; attributes: Attributes },
  ): Span => ({
    traceId,
    spanId: part === "whole" ? root : spanIdOf(part),
    ...(part === "whole" ? {} : { parentSpanId: root }),
    name,
    kind: internal,
    startTimeUnixNano: nanoseconds(from),
    endTimeUnixNano: nanoseconds(Math.max(from, to)),
    attributes: listAttributes(attributes),
    status: statusOf(result, state),
  });
  const { builder, requestedAt, startedAt, results, state, worker } = build;
  const [source] = build.sources;
  return [
    span("whole", builder, [requestedAt, end], {
      result: results,
      state,
      attributes: {
        "cicd.pipeline.name": builder,
        "cicd.pipeline.run.id": String(build.buildid),
        "cicd.pipeline.run.url.full": url,
        "cicd.pipeline.result": results === null ? null : resultNames[results],
        "cicd.worker.name": worker,
        "vcs.repository.url.full": source?.repository,
        "vcs.ref.head.name": source?.branch,
        "vcs.ref.head.revision": source?.revision,
        "multimaster.build.number": build.number,
        "multimaster.build.reason": build.reason,
      },
    }),
    span("wait", "wait", [requestedAt, startedAt], { attributes: { "cicd.pipeline.run.state": "pending" } }),
    ...steps.flatMap(({ stepid, number, name, startedAt: from, completeAt, results: result, state: said }) =>
      from === null
        ? []
        : [
            span(`step ${stepid}`, name, [from, completeAt ?? end], {
              result,
              state: said,
              attributes: {
                "cicd.pipeline.task.name": name,
                "cicd.pipeline.task.run.id": String(stepid),
                "cicd.pipeline.task.run.result": result === null ? null : resultNames[result],
                "multimaster.step.number": number,
              },
            }),
          ],
    ),
  ];
}

function idOf(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}

/** Seconds since 1970, possibly with fractions, as a text: the number is larger than JSON's numbers are exact. */
function nanoseconds(seconds: number): string {
  return String(BigInt(Math.round(seconds * 1000)) * 1_000_000n);
}

function listAttributes(attributes: Attributes): Span["attributes"] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === null || value === undefined || value === "") return [];
    return { key, value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value } };
  });
}

function statusOf(result: Result | null | undefined, state: string | undefined): Span["status"] {
  if (result === undefined || result === null) return { code: 0 };
  const isGood = resultNames[result] === "success" || result === Results.SKIPPED;
  return isGood ? { code: codes.ok } : { code: codes.error, ...(state ? { message: state } : {}) };
}
