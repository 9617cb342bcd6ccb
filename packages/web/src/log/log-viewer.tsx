import type { Log } from "@multimaster/data";
import type { ComponentChildren, RefObject } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { useView } from "../list/use-view.ts";
import { type ListWindow, scrollTo, windowAt } from "../list/window.ts";
import { usePlace } from "../router.ts";
import { settings } from "../settings.ts";
import { useKeys } from "../shell/keys.ts";
import { parseLineLink } from "./line-link.ts";
import { LogBar } from "./log-bar.tsx";
import { LogLine } from "./log-line.tsx";
import { useFollowing } from "./use-following.ts";
import { useLogLines } from "./use-log-lines.ts";
import { useLogSearch } from "./use-log-search.ts";
import { useMarkedLines } from "./use-marked-lines.ts";
import { useOpeningLine } from "./use-opening-line.ts";

const rowPx = 20;

/** A log of any length: only the lines that are seen are read and drawn. */
export function LogViewer({
  log,
  expandHref,
  seeksTrouble,
}: {
  log: Log;
  expandHref?: string;
  /** Opens at the first line that looks like the reason of a failure. */
  seeksTrouble: boolean;
}) {
  const { hash } = usePlace();
  const marked = parseLineLink(hash);
  const { ref, scrollPx, viewPx } = useView<HTMLDivElement>();
  const [wraps, setWraps] = useState(settings.get("wrap") === "on");
  const search = useLogSearch(log);
  const lines = log.num_lines;
  const seen = windowAt({ count: lines, rowPx, viewPx }, scrollPx, wraps ? 0 : 20);
  const lineAt = useLogLines(log.logid, lines, seen.from, seen.to);
  const goTo = useGoTo(ref, lines);

  const view = { lines, scrollPx, viewPx, wraps, tolerancePx: 2 * rowPx };
  const [follows, setFollows] = useFollowing(ref, view, !log.complete && marked === undefined);
  const show = useCallback(
    (line: number) => {
      setFollows(false);
      goTo(line);
    },
    [goTo],
  );
  const mark = useMarkedLines(log, hash, show);
  const opening = useOpeningLine(log, ref, { isLinked: marked !== undefined, seeksTrouble, goTo });
  const found = search.current;
  useEffect(() => {
    if (found !== undefined) show(found);
  }, [found]);
  useKeys({
    f: () => setFollows((on) => !on),
    n: found === undefined ? undefined : search.next,
    p: found === undefined ? undefined : search.previous,
  });
  return (
    <section class="log" aria-label={`Log ${log.name}`}>
      <LogBar
        log={log}
        search={search}
        wraps={wraps}
        onWrap={() => setWraps((on) => !on)}
        follows={follows}
        onFollow={() => setFollows((on) => !on)}
        onTop={() => show(0)}
        onEnd={() => goTo(lines)}
        expandHref={expandHref}
      />
      <LogText log={log} view={ref} wraps={wraps} seen={seen}>
        {(line) => (
          <LogLine
            key={line}
            line={line}
            stored={lineAt(line)}
            type={log.type}
            isMarked={marked !== undefined && line + 1 >= marked.from && line + 1 <= marked.to}
            isFound={line === (found ?? opening)}
            onMark={mark}
          />
        )}
      </LogText>
    </section>
  );
}

/** Scrolls to a line, a few lines above it in sight. */
function useGoTo(ref: RefObject<HTMLElement | null>, count: number): (line: number) => void {
  return useCallback(
    (line: number) => {
      const view = ref.current;
      view?.scrollTo(0, scrollTo({ count, rowPx, viewPx: view.clientHeight }, line, 4));
    },
    [count],
  );
}

/** The lines that are seen, at their position in the whole log. */
function LogText({
  log,
  view,
  wraps,
  seen,
  children,
}: {
  log: Log;
  view: RefObject<HTMLDivElement | null>;
  wraps: boolean;
  seen: ListWindow;
  children: (line: number) => ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={view} class={wraps ? "log-text wraps" : "log-text"} tabIndex={0} role="log" aria-live="off">
      {log.num_lines === 0 ? (
        <p class="empty">{log.complete ? "This log is empty." : "Nothing has been printed yet."}</p>
      ) : (
        <div class="log-space" style={{ height: `${seen.heightPx}px` }}>
          <div class="log-rows" style={{ transform: `translateY(${seen.topPx}px)` }}>
            {Array.from({ length: Math.max(0, seen.to - seen.from) }, (_, i) => children(seen.from + i))}
          </div>
        </div>
      )}
    </div>
  );
}
