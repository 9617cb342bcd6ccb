import type { Log } from "@multimaster/data";
import { Icon } from "../components/icon.tsx";
import type { LogSearching } from "./use-log-search.ts";

/** The controls of a log. */
export function LogBar({
  log,
  search,
  wraps,
  onWrap,
  follows,
  onFollow,
  onTop,
  onEnd,
  expandHref,
}: {
  log: Log;
  search: LogSearching;
  wraps: boolean;
  onWrap: () => void;
  follows: boolean;
  onFollow: () => void;
  onTop: () => void;
  onEnd: () => void;
  expandHref: string | undefined;
}) {
  return (
    <div class="log-bar">
      <label class="log-search">
        <Icon name="search" />
        <span class="sr-only">Search this log</span>
        <input
          type="search"
          placeholder="Search, or /regex/"
          value={search.text}
          aria-invalid={search.isInvalid}
          onInput={(event) => search.setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.shiftKey ? search.previous() : search.next();
          }}
        />
      </label>
      <span class="quiet num" aria-live="polite">
        {describeSearch(search)}
      </span>
      <span class="spacer" />
      <span class="quiet num">
        {log.num_lines.toLocaleString()} {log.num_lines === 1 ? "line" : "lines"}
      </span>
      <button type="button" class="small" onClick={onTop}>
        Top
      </button>
      <button type="button" class="small" onClick={onEnd}>
        End
      </button>
      <button type="button" class="small" aria-pressed={wraps} onClick={onWrap}>
        Wrap
      </button>
      {!log.complete && (
        <button type="button" class="small" aria-pressed={follows} onClick={onFollow}>
          Follow
        </button>
      )}
      <a class="button small" href={`/api/v2/logs/${log.logid}/raw_inline`} target="_blank" rel="noreferrer">
        Raw
      </a>
      <a class="button small" href={`/api/v2/logs/${log.logid}/raw`} download>
        Download
      </a>
      {expandHref && (
        <a class="button small" href={expandHref} aria-label="Show the log on the whole page, or beside the build">
          <Icon name="expand" />
        </a>
      )}
    </div>
  );
}

function describeSearch({ text, isInvalid, result, position }: LogSearching): string {
  if (text === "") return "";
  if (isInvalid) return "not a regular expression";
  if (!result) return "…";
  const found = result.found.length;
  const words = found === 0 ? "nothing found" : `${position} of ${found.toLocaleString()}`;
  return result.isDone ? words : `${words} (${result.searched.toLocaleString()} lines searched)`;
}
