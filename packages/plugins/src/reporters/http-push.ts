import { createHmac } from "node:crypto";
import { functionOf } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import { z } from "zod";
import { defineReporter, type Report } from "../define-reporter.ts";
import type { ReportedEvent } from "../reported-event.ts";
import { buildbotShape } from "./http/buildbot-shape.ts";
import { askWith, httpShape } from "./http/http-shape.ts";
import { reporterShape } from "./reporter-options.ts";

const options = z.strictObject({
  ...reporterShape,
  ...httpShape,
  url: z.url().describe("Where it is sent to."),
  method: z.enum(["POST", "PUT"]).default("POST").describe("The HTTP method."),
  headers: z.record(z.string(), z.string()).default({}).describe("Headers of each request."),
  secret: z
    .string()
    .min(8)
    .optional()
    .describe(
      "Signs each request: `X-Hub-Signature-256: sha256=…`, the HMAC of the body, as forges sign their webhooks.",
    ),
  format: z
    .enum(["buildbot", "cloudevents"])
    .default("buildbot")
    .describe(
      '"buildbot": a build in the shape of Buildbot\'s HttpStatusPush; "cloudevents": the same as data of a CloudEvent 1.0.',
    ),
  body: functionOf<(event: ReportedEvent) => Json>("a function that returns JSON")
    .optional()
    .describe("Replaces what is sent."),
});

/** Sends what happens to another program, over HTTP. */
export default defineReporter({
  type: "http-push",
  options,
  events: ["build-started", "build-ended"],
  contextOf: ({ build, buildset, worker }) =>
    build
      ? `build ${build.buildrequestid}`
      : buildset
        ? `buildset ${buildset.buildsetid}`
        : `worker ${worker?.workerid}`,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const source = ctx.cluster.url;
    return {
      async send(report, { id }) {
        const data = opts.body ? opts.body(report) : await buildbotShape(report);
        const isEvent = opts.format === "cloudevents";
        const body = JSON.stringify(isEvent ? cloudEvent(report, id, source, data) : data);
        const signature = opts.secret && createHmac("sha256", opts.secret).update(body).digest("hex");
        await ask({
          method: opts.method,
          url: opts.url,
          body,
          headers: {
            "content-type": isEvent ? "application/cloudevents+json; charset=utf-8" : "application/json",
            // The same in each attempt: who gets a report twice can tell.
            "idempotency-key": id,
            ...(signature && { "x-hub-signature-256": `sha256=${signature}` }),
            ...opts.headers,
          },
        });
      },
    };
  },
});

function cloudEvent(report: Report, id: string, source: string, data: Json): Json {
  const { event, at, build, buildset, worker } = report;
  return {
    specversion: "1.0",
    id,
    source,
    type: `multimaster.${event}`,
    subject: build
      ? `builders/${build.builder}/builds/${build.number}`
      : buildset
        ? `buildsets/${buildset.buildsetid}`
        : `workers/${worker?.name}`,
    time: new Date(at * 1000).toISOString(),
    datacontenttype: "application/json",
    data,
  };
}
