import { createHmac } from "node:crypto";
import { functionOf } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import { z } from "zod";
import { defineReporter, type Report } from "../define-reporter.ts";
import type { ReportedEvent } from "../reported-event.ts";
import { headersOption, webUrl } from "../web-options.ts";
import { contextOfOther } from "./event-context.ts";
import { buildbotShape } from "./http/buildbot-shape.ts";
import { askWith, httpShape } from "./http/http-shape.ts";
import { reporterShape } from "./reporter-options.ts";
import { wrongValue } from "./returned-value.ts";

const options = z.strictObject({
  ...reporterShape,
  ...httpShape,
  url: webUrl.describe("Where it is sent to."),
  method: z.enum(["POST", "PUT"]).default("POST").describe("The HTTP method."),
  headers: headersOption.default({}).describe("Headers of each request."),
  secret: z
    .string()
    .min(8)
    .optional()
    .describe(
      "Signs each request, in two ways: `X-Hub-Signature-256`, the HMAC of the body, as forges sign their webhooks; and `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks, by which a receiver also refuses what is sent again later. One that begins with whsec_ is the base64 of its bytes there.",
    ),
  format: z
    .enum(["buildbot", "cloudevents"])
    .default("buildbot")
    .describe(
      '"buildbot": a build in the shape of Buildbot\'s HttpStatusPush; "cloudevents": the same as data of a CloudEvent 1.0.',
    ),
  body: functionOf<(event: ReportedEvent) => Json | undefined>("a function that returns JSON")
    .optional()
    .describe("Replaces what is sent. If it returns undefined, nothing is sent of the event."),
});

/** Sends what happens to another program, over HTTP. */
export default defineReporter({
  type: "http-push",
  wantsMuted: true,
  options,
  events: ["build-started", "build-ended"],
  contextOf: (event) => (event.build ? `build ${event.build.buildrequestid}` : contextOfOther(event)),
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    const source = ctx.cluster.url;
    return {
      async send(report, { id, skip }) {
        const data: Json | undefined = opts.body ? await opts.body(report) : await buildbotShape(report);
        if (data === undefined) return skip('the function "body" of the config returned undefined');
        if (!isJson(data)) throw wrongValue("body", "JSON, or undefined to send nothing", data);
        const isEvent = opts.format === "cloudevents";
        const body = JSON.stringify(isEvent ? cloudEvent(report, id, source, data) : data);
        await ask({
          method: opts.method,
          url: opts.url,
          body,
          headers: {
            "content-type": isEvent ? "application/cloudevents+json; charset=utf-8" : "application/json",
            // The same in each attempt: who gets a report twice can tell.
            "idempotency-key": id,
            ...(opts.secret !== undefined && sign(opts.secret, id, body, ctx.clock.now())),
            ...opts.headers,
          },
        });
      },
    };
  },
});

/** Whether a function has returned what JSON has a text for: no function, and no object within itself. */
function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** The headers of both ways to sign. */
function sign(secret: string, id: string, body: string, nowMs: number): Record<string, string> {
  const bytes = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${createHmac("sha256", bytes).update(`${id}.${timestamp}.${body}`).digest("base64")}`,
  };
}

function cloudEvent(report: Report, id: string, source: string, data: Json): Json {
  const { event, at } = report;
  return {
    specversion: "1.0",
    id,
    source,
    type: `multimaster.${event}`,
    subject: subjectOf(report),
    time: new Date(at * 1000).toISOString(),
    datacontenttype: "application/json",
    data,
  };
}

function subjectOf({ build, step, buildset, request, worker, master, event }: Report): string {
  if (build) return `builders/${build.builder}/builds/${build.number}${step ? `/steps/${step.number}` : ""}`;
  if (buildset) return `buildsets/${buildset.buildsetid}`;
  if (request) return `buildrequests/${request.buildrequestid}`;
  if (worker) return `workers/${worker.name}`;
  return master ? `masters/${master.name}` : event;
}
