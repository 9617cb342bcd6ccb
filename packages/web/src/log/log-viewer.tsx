import type { Log } from "@multimaster/data";
import type { ComponentChildren, RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useView } from "../list/use-view.ts";
import type { ListWindow } from "../list/window.ts";
import { usePlace } from "../router.ts";
import { settings } from "../settings.ts";
import { useKeys } from "../shell/keys.ts";
import { parseLineLink } from "./line-link.ts";
import type { SourceAddress } from "./line-links.ts";
import { LogBar } from "./log-bar.tsx";
import { LogLine, SectionLine } from "./log-line.tsx";
import { SearchBuild } from "./search-build.tsx";
import { useFollowing } from "./use-following.ts";
import { useLogLines } from "./use-log-lines.ts";
import { rowPx, useLogScroll } from "./use-log-scroll.ts";
import { useLogSearch } from "./use-log-search.ts";
import { useLogSections } from "./use-log-sections.ts";
import { timeOf, useLogTimes } from "./use-log-times.ts";
import { useMarkedLines } from "./use-marked-lines.ts";
import { useOpeningLine } from "./use-opening-line.ts";

/** A log of any length: only the lines that are seen are read and drawn. */
export function LogViewer({
  log,
  build,
  expandHref,
  seeksTrouble,
  source,
  begunAt,
}: {
  log: Log;
  /** The build that it belongs to, and the address of its page. */
  build: { readonly buildid: number; readonly href: string };
  expandHref?: string;
  /** Opens at the first line that looks like the reason of a failure. */
  seeksTrouble: boolean;
  /** Where the files that lines name can be read. */
  source: SourceAddress | undefined;
  /** When its step began; times of lines are shown from then on. */
  begunAt: number | null;
}) {
  const { hash } = usePlace();
  const marked = parseLineLink(hash);
  const { ref, ...size } = useView<HTMLDivElement>();
  const [wraps, setWraps] = useState(settings.get("wrap") === "on");
  const [hasTimes, setHasTimes] = useState(settings.get("logTimes") === "on");
  const times = useLogTimes(log, hasTimes);
  const [searchesAll, setSearchesAll] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const search = useLogSearch(log);
  const found = search.isOfAddress && marked !== undefined ? undefined : search.current;
  const [kept, setKept] = useState(marked === undefined ? undefined : marked.from - 1);
  const sections = useLogSections(log, kept);
  const { rows } = sections;
  const scroll = useLogScroll(ref, rows, { ...size, wraps });
  const { seen, goTo: scrollToLine } = scroll;
  const shown = linesOf(seen, rows.lineOf.bind(rows));
  const lineAt = useLogLines(log.logid, log.num_lines, shown);

  const view = { ...size, lines: log.num_lines, heightPx: seen.heightPx, grows: !log.complete, tolerancePx: 2 * rowPx };
  const [follows, setFollows] = useFollowing(ref, view, scroll, marked === undefined);
  const goTo = useCallback(
    (line: number) => {
      setKept(line);
      scrollToLine(line);
    },
    [scrollToLine],
  );
  const reveal = useRef(sections.reveal);
  reveal.current = sections.reveal;
  const show = useCallback(
    (line: number) => {
      setFollows(false);
      reveal.current(line);
      goTo(line);
    },
    [goTo],
  );
  const mark = useMarkedLines(log, hash, show);
  const isLinked = marked !== undefined || search.text !== "";
  const opening = useOpeningLine(log, ref, { isLinked, seeksTrouble, goTo });
  const wanted = found ?? opening;
  useEffect(() => {
    if (found !== undefined) show(found);
  }, [found]);
  useSidewaysToHit(ref, found, wraps);
  useKeys({
    f: () => setFollows((on) => !on),
    n: found === undefined ? undefined : search.next,
    p: found === undefined ? undefined : search.previous,
    s: () => field.current?.focus(),
    w: () => setWraps((on) => !on),
    t: () => setHasTimes(toggleTimes),
    z: sections.byHead.size === 0 ? undefined : sections.toggleAll,
    g: () => show(0),
    G: () => show(log.num_lines - 1),
  });
  return (
    <section class="log" aria-label={`Log ${log.name}`}>
      <LogBar
        log={log}
        field={field}
        search={search}
        marked={marked}
        searchesAll={searchesAll}
        onSearchAll={() => setSearchesAll((on) => !on)}
        sections={sections}
        hasTimes={hasTimes}
        onTimes={() => setHasTimes(toggleTimes)}
        wraps={wraps}
        onWrap={() => setWraps((on) => !on)}
        follows={follows}
        onFollow={() => setFollows((on) => !on)}
        onTop={() => show(0)}
        onEnd={() => show(log.num_lines - 1)}
        expandHref={expandHref}
      />
      {searchesAll && search.pattern && <SearchBuild {...build} text={search.text} pattern={search.pattern} />}
      <LogText log={log} view={ref} wraps={wraps} seen={seen}>
        {shown.map((line) => {
          const section = sections.byHead.get(line);
          const state = {
            isMarked: marked !== undefined && line + 1 >= marked.from && line + 1 <= marked.to,
            isFound: line === wanted,
            onMark: mark,
            time: hasTimes && begunAt !== null ? { begunAt, at: timeOf(times, line) ?? begunAt } : undefined,
          };
          return section ? (
            <SectionLine
              key={line}
              section={section}
              isFolded={sections.isFolded(section)}
              onFold={() => sections.toggle(section)}
              {...state}
            />
          ) : (
            <LogLine
              key={line}
              line={line}
              stored={lineAt(line)}
              type={log.type}
              pattern={search.pattern}
              source={source}
              {...state}
            />
          );
        })}
      </LogText>
    </section>
  );
}

/** The choice is kept for other logs. */
const toggleTimes = (on: boolean): boolean => {
  settings.set("logTimes", on ? "off" : "on");
  return !on;
};

const linesOf = ({ from, to }: ListWindow, lineOf: (row: number) => number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => lineOf(from + i));

/** Scrolls sideways to the hit in a line that is longer than the view, once the line is drawn. */
function useSidewaysToHit(ref: RefObject<HTMLElement | null>, found: number | undefined, wraps: boolean) {
  const shownFor = useRef("");
  useLayoutEffect(() => {
    const key = `${found} ${wraps}`;
    const view = ref.current;
    const hit = view?.querySelector(`[data-line="${(found ?? -1) + 1}"] mark`);
    if (!view || !hit || shownFor.current === key) return;
    shownFor.current = key;
    const { left, right } = hit.getBoundingClientRect();
    const edges = view.getBoundingClientRect();
    if (left < edges.left + 80 || right > edges.right) view.scrollLeft += left - edges.left - edges.width / 2;
  });
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
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div ref={view} class={wraps ? "log-text wraps" : "log-text"} tabIndex={0} role="log" aria-live="off">
      {log.num_lines === 0 ? (
        <p class="empty">{log.complete ? "This log is empty." : "Nothing has been printed yet."}</p>
      ) : (
        <div class="log-space" style={{ height: `${seen.heightPx}px` }}>
          <div class="log-rows" style={{ transform: `translateY(${seen.topPx}px)` }}>
            {children}
          </div>
        </div>
      )}
    </div>
  );
}
