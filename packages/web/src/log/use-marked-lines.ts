import type { Log } from "@multimaster/data";
import { useEffect, useRef } from "preact/hooks";
import { pathOf } from "../base.ts";
import { navigate } from "../router.ts";
import { formatLineLink, type LineRange, parseLineLink } from "./line-link.ts";

/** The lines that the address names: shows them once they exist. Returns how the reader marks others. */
export function useMarkedLines(
  log: Log,
  hash: string,
  show: (line: number) => void,
): (line: number, extends_: boolean) => void {
  const marked = parseLineLink(hash);
  const shownFor = useRef("");
  useEffect(() => {
    const key = `${log.logid}${hash}`;
    if (marked === undefined || shownFor.current === key || log.num_lines < marked.from) return;
    shownFor.current = key;
    show(marked.from - 1);
  }, [hash, log.logid, log.num_lines >= (marked?.from ?? 0), show]);

  return (line, extends_) => {
    const link = formatLineLink(extendTo(line + 1, extends_ ? marked : undefined));
    // The line is in sight where it was marked.
    shownFor.current = `${log.logid}${link}`;
    navigate(`${pathOf(location.pathname) ?? "/"}${location.search}${link}`, { replace: true });
  };
}

function extendTo(line: number, marked: LineRange | undefined): LineRange {
  return { from: Math.min(marked?.from ?? line, line), to: Math.max(marked?.from ?? line, line) };
}
