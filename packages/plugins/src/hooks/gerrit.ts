import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { contentOf, defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import { flatten, isNoCommit, nameAndMail, parsePayload, readPayload, readRef, text, timeOf } from "../hook-payload.ts";
import { pullRequestProperties } from "../hook-pull-request.ts";
import { checkToken } from "../hook-signature.ts";

const options = hookOptions({
  ...forgeShape,
  events: z
    .array(z.string())
    .default(["patchset-created", "ref-updated"])
    .describe("Types of events that are changes; others may be change-merged, comment-added, change-restored, …"),
  baseUrl: z.string().default("").describe("Where repositories are cloned from, such as https://gerrit.example.org."),
});

type Options = z.output<typeof options>;

const account = z.object({ name: text, email: text, username: text }).nullish();

const refUpdated = z.object({
  submitter: account,
  refUpdate: z.object({ oldRev: text, newRev: z.string(), refName: z.string(), project: z.string() }),
  eventCreatedOn: z.number().nullish(),
});

const ofChange = z.object({
  type: z.string(),
  change: z.object({
    project: z.string(),
    branch: z.string(),
    number: z.coerce.number().int(),
    subject: z.string(),
    commitMessage: text,
    url: text,
    owner: account,
    hashtags: z.array(z.string()).nullish(),
    wip: z.boolean().nullish(),
  }),
  patchSet: z.object({
    number: z.coerce.number().int(),
    revision: z.string(),
    ref: z.string(),
    kind: text,
    author: account,
    uploader: account,
  }),
  eventCreatedOn: z.number().nullish(),
});

/** Events that Gerrit's plugin `webhooks` sends. It signs nothing: a secret is the parameter `token` of the address. */
export default defineHook({
  type: "gerrit",
  options,
  authenticate: (options) => checkToken(options, "parameter token", ({ query }) => query.get("token") ?? undefined),
  // It gives no ids; a repetition has the same body, with the event's time in it.
  delivery: contentOf,
  parse(request, options) {
    const payload = readPayload(request);
    const { type } = payload;
    if (typeof type !== "string") return { ignored: "no type" };
    if (!options.events.includes(type)) return { ignored: `event ${type}` };
    return type === "ref-updated" ? parseRefUpdated(payload, options) : parseChange(payload, type, options);
  },
});

function parseRefUpdated(payload: Payload, options: Options): HookAnswer {
  const { submitter, refUpdate, eventCreatedOn } = parsePayload(refUpdated, payload, "ref-updated");
  const { newRev, project, refName } = refUpdate;
  // Some releases leave "refs/heads/" out.
  const place = readRef(refName.startsWith("refs/") ? refName : `refs/heads/${refName}`);
  if (!place) return { ignored: `not a branch or tag: ${refName}` };
  if (isNoCommit(newRev)) return { ignored: `${place.name} was deleted` };
  const change: NewChange = {
    author: nameOf(submitter),
    comments: `Gerrit: ${place.name} is now ${newRev}`,
    branch: place.name,
    revision: newRev,
    category: "ref-updated",
    properties: { event: "ref-updated", ...flatten("event", payload) },
    ...whereOf(project, options),
    ...timeOf(eventCreatedOn),
  };
  return applyOptions({ changes: [change], kind: place.kind, branch: place.name, headline: "" }, payload, options);
}

function parseChange(payload: Payload, type: string, options: Options): HookAnswer {
  const { change, patchSet, eventCreatedOn } = parsePayload(ofChange, payload, type);
  const { project, branch, number, subject } = change;
  const described: NewChange = {
    author: nameOf(patchSet.author ?? patchSet.uploader ?? change.owner),
    comments: change.commitMessage ?? subject,
    branch: type === "change-merged" ? branch : patchSet.ref,
    revision: patchSet.revision,
    revlink: change.url ?? "",
    category: type,
    properties: {
      event: type,
      ...flatten("event", payload),
      ...pullRequestProperties({
        number,
        title: subject,
        url: change.url ?? "",
        owner: change.owner?.username ?? change.owner?.name ?? "",
        branch: patchSet.ref,
        head: patchSet.revision,
        headRepository: project,
        base: branch,
        labels: change.hashtags ?? [],
        isFork: false,
        isDraft: change.wip ?? false,
      }),
    },
    ...whereOf(project, options),
    ...timeOf(eventCreatedOn),
  };
  const kind = type === "change-merged" ? "push" : "pull request";
  return applyOptions({ changes: [described], kind, branch, headline: subject }, payload, options);
}

function whereOf(project: string, { baseUrl }: Options) {
  return { project, repository: baseUrl === "" ? project : `${baseUrl.replace(/\/$/, "")}/${project}` };
}

function nameOf(person: z.output<typeof account>): string {
  return nameAndMail({ name: person?.name ?? person?.username, email: person?.email });
}
