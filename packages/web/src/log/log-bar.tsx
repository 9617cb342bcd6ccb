import type { Log } from "@multimaster/data";
import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../components/icon.tsx";
import { useKeys } from "../shell/keys.ts";
import { copyLines } from "./copy-lines.ts";
import type { LineRange } from "./line-link.ts";
import type { LogSearching } from "./use-log-search.ts";
import type { LogSections } from "./use-log-sections.ts";

/** The controls of a log. */
export function LogBar({
  log,
  field,
  search,
  marked,
  searchesAll,
  onSearchAll,
  sections,
  hasTimes,
  onTimes,
  wraps,
  onWrap,
  follows,
  onFollow,
  onTop,
  onEnd,
  expandHref,
}: {
  log: Log;
  field: RefObject<HTMLInputElement | null>;
  search: LogSearching;
  marked: LineRange | undefined;
  searchesAll: boolean;
  onSearchAll: () => void;
  sections: LogSections;
  hasTimes: boolean;
  onTimes: () => void;
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
          ref={field}
          type="search"
          placeholder="Search, or /regex/"
          value={search.text}
          aria-invalid={search.refusal !== undefined}
          onInput={(event) => search.setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.shiftKey ? search.previous() : search.next();
          }}
        />
      </label>
      {search.text !== "" && <SearchButtons search={search} searchesAll={searchesAll} onSearchAll={onSearchAll} />}
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
      {sections.byHead.size > 0 && (
        <button type="button" class="small" aria-pressed={sections.isAllFolded} onClick={sections.toggleAll}>
          Fold
        </button>
      )}
      <button type="button" class="small" aria-pressed={hasTimes} onClick={onTimes}>
        Times
      </button>
      <button type="button" class="small" aria-pressed={wraps} onClick={onWrap}>
        Wrap
      </button>
      {!log.complete && (
        <button type="button" class="small" aria-pressed={follows} onClick={onFollow}>
          Follow
        </button>
      )}
      <CopyButton log={log} marked={marked} />
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

function SearchButtons({
  search,
  searchesAll,
  onSearchAll,
}: {
  search: LogSearching;
  searchesAll: boolean;
  onSearchAll: () => void;
}) {
  return (
    <>
      <button type="button" class="small" aria-label="Previous line found" onClick={search.previous}>
        ↑
      </button>
      <button type="button" class="small" aria-label="Next line found" onClick={search.next}>
        ↓
      </button>
      <button type="button" class="small" aria-pressed={searchesAll} onClick={onSearchAll}>
        All steps
      </button>
    </>
  );
}

/** Copies the marked lines, or else the whole log. */
function CopyButton({ log, marked }: { log: Log; marked: LineRange | undefined }) {
  const [said, setSaid] = useState("");
  const copy = () =>
    copyLines(log, marked).then(
      (count) => setSaid(`${count.toLocaleString()} ${count === 1 ? "line" : "lines"} copied`),
      () => setSaid("not copied: the browser refused"),
    );
  useKeys({ c: copy });
  return (
    <>
      <span class="quiet" aria-live="polite">
        {said}
      </span>
      <button
        type="button"
        class="small"
        title={marked ? "Copies the marked lines" : "Copies the log; mark lines to copy only these"}
        onClick={copy}
      >
        Copy
      </button>
    </>
  );
}

function describeSearch({ text, refusal, result, position }: LogSearching): string {
  if (text === "") return "";
  if (refusal !== undefined) return refusal;
  if (!result) return "…";
  const found = result.found.length;
  const words = found === 0 ? "nothing found" : `${position} of ${found.toLocaleString()}`;
  return result.isDone ? words : `${words} (${result.searched.toLocaleString()} lines searched)`;
}
