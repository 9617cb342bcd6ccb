import type { Change, Log, Step } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { ForeignLink } from "../components/foreign-link.tsx";
import { Failure, Skeleton } from "../components/page.tsx";
import { isBad, standingOf } from "../format/result.ts";
import { type SourceAddress, sourceAddressOf } from "../log/line-links.ts";
import { LogViewer } from "../log/log-viewer.tsx";
import { ChildList } from "./child-list.tsx";

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
  const changes = useRows("changes", `builds/${step.buildid}/changes`);
  const source = sourceOf(changes.rows ?? []);
  const triggered = requestsOf(step);
  // The builds that it triggered are listed below, each once.
  const links = triggered.size > 0 ? step.urls.filter(({ url }) => !isOfChild(url)) : step.urls;
  return (
    <div class="step-logs">
      <div class="log-head">
        <span class="state cut">
          <strong>{step.name}</strong> <span class="quiet">{step.state_string}</span>
        </span>
        {links.map(({ name, url }) => (
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
        triggered.size === 0 && (
          <p class="empty">{step.complete ? "This step has no log." : "Nothing has been printed yet."}</p>
        )
      ) : open.type === "d" ? (
        <p class="empty">The text of this log was deleted: retention keeps logs for a limited time.</p>
      ) : open.type === "h" ? (
        <iframe class="html-log" title={open.name} sandbox="" src={`/api/v2/logs/${open.logid}/raw_inline`} />
      ) : (
        <LogViewer
          key={open.logid}
          log={open}
          expandHref={`${href}/logs/${open.slug}${isFull ? "" : "?view=log"}`}
          build={{ buildid: step.buildid, href: href.replace(/\/steps\/\d+$/, "") }}
          source={source}
          begunAt={step.started_at}
          seeksTrouble={step.complete && isBad(standingOf(step))}
        />
      )}
      {triggered.size > 0 && <Triggered buildid={step.buildid} requests={triggered} />}
    </div>
  );
}

/** Where the built files can be read: known if all changes are of one codebase, by the newest one. */
function sourceOf(changes: readonly Change[]): SourceAddress | undefined {
  const newest = changes.reduce<Change | undefined>((a, b) => (a && a.changeid > b.changeid ? a : b), undefined);
  const isOne = changes.every(({ codebase }) => codebase === newest?.codebase);
  return isOne ? sourceAddressOf(newest?.revlink) : undefined;
}

const request = /#?\/buildrequests\/(\d+)$/;
const isOfChild = (url: string) => request.test(url) || /#?\/builders\/\d+\/builds\/\d+$/.test(url);

/** The build requests that a step has triggered, by the links that it has made. */
function requestsOf(step: Step): ReadonlySet<number> {
  return new Set(
    step.urls.flatMap(({ url }) => {
      const id = request.exec(url)?.[1];
      return id === undefined ? [] : Number(id);
    }),
  );
}

/** The builds of these requests, failed ones first, and the requests that have none yet. */
function Triggered({ buildid, requests }: { buildid: number; requests: ReadonlySet<number> }) {
  const children = useRows("builds", `builds/${buildid}/triggered_builds`, {}, ["builds/*/*"]);
  const own = children.rows?.filter(({ buildrequestid: id }) => requests.has(id));
  const built = new Set(own?.map(({ buildrequestid: id }) => id));
  const unbuilt = [...requests].filter((id) => !built.has(id));
  if (own === undefined) return children.error ? <Failure error={children.error} /> : <Skeleton />;
  return (
    <div class="triggered">
      <ChildList builds={own} />
      {unbuilt.length > 0 && (
        <p class="quiet">
          Without a build:{" "}
          {unbuilt.slice(0, 20).map((id) => (
            <a key={id} href={`/buildrequests/${id}`}>
              request {id}{" "}
            </a>
          ))}
          {unbuilt.length > 20 && `and ${unbuilt.length - 20} others`}
        </p>
      )}
    </div>
  );
}

/** The log that opens first: what the command printed, before any other log. */
function preferred(logs: readonly Log[]): Log | undefined {
  return logs.find(({ slug }) => slug === "stdio") ?? logs[0];
}
