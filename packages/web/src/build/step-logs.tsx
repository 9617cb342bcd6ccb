import type { Log, Step } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { ForeignLink } from "../components/foreign-link.tsx";
import { Failure, Skeleton } from "../components/page.tsx";
import { isBad, standingOf } from "../format/result.ts";
import { LogViewer } from "../log/log-viewer.tsx";

/** The logs of one step, one of which is open. */
export function StepLogs({
  step,
  slug,
  href,
  isFull,
}: {
  step: Step;
  slug: string | undefined;
  href: string;
  isFull: boolean;
}) {
  const logs = useRows("logs", `steps/${step.stepid}/logs`, {}, [
    `steps/${step.stepid}/logs/*/*`,
    `steps/${step.stepid}/finished`,
  ]);
  const open = logs.rows?.find((log) => log.slug === slug) ?? preferred(logs.rows ?? []);
  return (
    <div class="step-logs">
      <div class="log-head">
        <span class="state cut">
          <strong>{step.name}</strong> <span class="quiet">{step.state_string}</span>
        </span>
        {step.urls.map(({ name, url }) => (
          <ForeignLink key={url} href={url}>
            {name}
          </ForeignLink>
        ))}
        {(logs.rows?.length ?? 0) > 1 && (
          <nav class="log-names" aria-label="Logs of this step">
            {logs.rows?.map((log) => (
              <a
                key={log.logid}
                href={`${href}/logs/${log.slug}`}
                aria-current={log.logid === open?.logid ? "page" : undefined}
              >
                {log.name}
              </a>
            ))}
          </nav>
        )}
      </div>
      {logs.rows === undefined ? (
        logs.error ? (
          <Failure error={logs.error} />
        ) : (
          <Skeleton lines={6} />
        )
      ) : open === undefined ? (
        <p class="empty">{step.complete ? "This step has no log." : "Nothing has been printed yet."}</p>
      ) : open.type === "d" ? (
        <p class="empty">The text of this log was deleted: retention keeps logs for a limited time.</p>
      ) : open.type === "h" ? (
        <iframe class="html-log" title={open.name} sandbox="" src={`/api/v2/logs/${open.logid}/raw_inline`} />
      ) : (
        <LogViewer
          key={open.logid}
          log={open}
          expandHref={`${href}/logs/${open.slug}${isFull ? "" : "?view=log"}`}
          seeksTrouble={step.complete && isBad(standingOf(step))}
        />
      )}
    </div>
  );
}

/** The log that opens first: what the command printed, before any other log. */
function preferred(logs: readonly Log[]): Log | undefined {
  return logs.find(({ slug }) => slug === "stdio") ?? logs[0];
}
