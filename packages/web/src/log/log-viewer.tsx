import type { Log } from "@multimaster/data";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { pathOf } from "../base.ts";
import { useView } from "../list/use-view.ts";
import { scrollTo, windowAt } from "../list/window.ts";
import { navigate, usePlace } from "../router.ts";
import { settings } from "../settings.ts";
import { useKeys } from "../shell/keys.ts";
import { parseLineLink } from "./line-link.ts";
import { LogBar } from "./log-bar.tsx";
import { LogLine } from "./log-line.tsx";
import { findOpening } from "./search-log.ts";
import { useLogLines } from "./use-log-lines.ts";
import { useLogSearch } from "./use-log-search.ts";

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
  const place = usePlace();
  const marked = parseLineLink(place.hash);
  const { ref, scrollPx, viewPx } = useView<HTMLDivElement>();
  const [wraps, setWraps] = useState(settings.get("wrap") === "on");
  const [follows, setFollows] = useState(!log.complete && marked === undefined);
  const search = useLogSearch(log);

  const shape = { count: log.num_lines, rowPx, viewPx };
  const seen = windowAt(shape, scrollPx, wraps ? 0 : 20);
  const lineAt = useLogLines(log.logid, log.num_lines, seen.from, seen.to);

  const goTo = useCallback(
    (line: number) => {
      const view = ref.current;
      view?.scrollTo(0, scrollTo({ count: log.num_lines, rowPx, viewPx: view.clientHeight }, line, 4));
    },
    [log.num_lines],
  );

  // The end stays in sight while the log grows, until the reader scrolls away from it.
  const ownScroll = useRef(0);
  useLayoutEffect(() => {
    const view = ref.current;
    if (!follows || !view) return;
    view.scrollTop = view.scrollHeight;
    ownScroll.current = view.scrollTop;
  }, [follows, log.num_lines, viewPx, wraps]);
  useEffect(() => {
    const at = ref.current?.scrollTop ?? 0;
    if (follows && at < ownScroll.current - 2 * rowPx) setFollows(false);
  }, [scrollPx]);

  // A link to a line opens there, once its line exists.
  const openedAt = useRef("");
  useEffect(() => {
    const key = `${log.logid}${place.hash}`;
    if (marked === undefined || openedAt.current === key || log.num_lines < marked.from) return;
    openedAt.current = key;
    setFollows(false);
    goTo(marked.from - 1);
  }, [place.hash, log.logid, log.num_lines >= (marked?.from ?? 0), goTo]);

  // Without a link it opens at what somebody who opens it wants to see.
  const [opening, setOpening] = useState<number>();
  useEffect(() => {
    if (!log.complete || marked !== undefined) return;
    const controller = new AbortController();
    findOpening(log, seeksTrouble, controller.signal)
      .then((line) => {
        if (line === undefined || controller.signal.aborted || ref.current?.scrollTop !== 0) return;
        goTo(line);
        if (seeksTrouble) setOpening(line);
      })
      .catch(() => undefined);
    return () => controller.abort();
  }, [log.logid]);

  const shown = search.current;
  useEffect(() => {
    if (shown === undefined) return;
    setFollows(false);
    goTo(shown);
  }, [shown]);

  const mark = (line: number, extends_: boolean) => {
    openedAt.current = "";
    const from = extends_ && marked ? Math.min(marked.from, line + 1) : line + 1;
    const to = extends_ && marked ? Math.max(marked.from, line + 1) : line + 1;
    const hash = from === to ? `#L${from}` : `#L${from}-L${to}`;
    openedAt.current = `${log.logid}${hash}`;
    navigate(`${pathOf(location.pathname) ?? "/"}${location.search}${hash}`, { replace: true });
  };

  useKeys({
    f: () => setFollows((on) => !on),
    n: shown === undefined ? undefined : search.next,
    p: shown === undefined ? undefined : search.previous,
  });

  const rows = [];
  for (let line = seen.from; line < seen.to; line++) {
    rows.push(
      <LogLine
        key={line}
        line={line}
        stored={lineAt(line)}
        type={log.type}
        isMarked={marked !== undefined && line + 1 >= marked.from && line + 1 <= marked.to}
        isFound={line === (shown ?? opening)}
        onMark={mark}
      />,
    );
  }
  return (
    <section class="log" aria-label={`Log ${log.name}`}>
      <LogBar
        log={log}
        search={search}
        wraps={wraps}
        onWrap={() => setWraps((on) => !on)}
        follows={follows}
        onFollow={() => setFollows((on) => !on)}
        onTop={() => {
          setFollows(false);
          goTo(0);
        }}
        onEnd={() => goTo(log.num_lines)}
        expandHref={expandHref}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div ref={ref} class={wraps ? "log-text wraps" : "log-text"} tabIndex={0} role="log" aria-live="off">
        {log.num_lines === 0 ? (
          <p class="empty">{log.complete ? "This log is empty." : "Nothing was printed yet."}</p>
        ) : (
          <div class="log-space" style={{ height: `${seen.heightPx}px` }}>
            <div class="log-rows" style={{ transform: `translateY(${seen.topPx}px)` }}>
              {rows}
            </div>
          </div>
        )}
      </div>
    </section>
  );
}
