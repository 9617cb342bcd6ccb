import { z } from "zod";
import type { HookAnswer } from "../../define-hook.ts";
import type { Payload } from "../../hook-options.ts";
import { parsePayload, perhaps, text } from "../../hook-payload.ts";
import { checksReporter, checkTarget, rerunAction } from "../../reporters/github/reruns.ts";

const base = {
  action: z.string(),
  repository: z.object({ full_name: z.string() }),
  sender: perhaps(z.object({ login: text })),
};
const hash = z.string().regex(/^\w+$/, "is not a hash");
const run = z.object({
  ...base,
  check_run: z.object({ external_id: text, head_sha: hash }),
  requested_action: perhaps(z.object({ identifier: text })),
});
const suite = z.object({ ...base, check_suite: z.object({ head_sha: hash }) });
const action = z.object({ action: text });

/** A user asks GitHub to run a check again, or all of a commit. Only what the reporter `github-checks` has shown runs again. */
export function parseRerun(event: "check_run" | "check_suite", payload: Payload): HookAnswer {
  const { action: what } = parsePayload(action, payload, event);
  if (what !== "rerequested" && !(event === "check_run" && what === "requested_action"))
    return { ignored: `${event} ${what}` };
  if (event === "check_suite") {
    const { repository, check_suite, sender } = parsePayload(suite, payload, event);
    return answer(checkTarget(repository.full_name, check_suite.head_sha), undefined, sender?.login);
  }
  const { repository, check_run, requested_action, sender } = parsePayload(run, payload, event);
  if (what === "requested_action" && requested_action?.identifier !== rerunAction.identifier)
    return { ignored: `the action ${requested_action?.identifier ?? "without a name"} is not one of this cluster` };
  // Another program's check: without this, all checks of its commit would run again.
  if (!check_run.external_id) return { ignored: "the check is not one of this cluster: it has no external_id" };
  return answer(checkTarget(repository.full_name, check_run.head_sha), check_run.external_id, sender?.login);
}

function answer(target: string, externalId: string | undefined, login: string | null | undefined): HookAnswer {
  return { rerun: { reporter: checksReporter, target, externalId, by: `${login || "a user"} at GitHub` } };
}
