import type { Log } from "@multimaster/data";
import { useEffect, useRef, useState } from "preact/hooks";
import { list } from "../api/read.ts";

/** More are not read: the lines after them have the time of the last one. */
const mostTimes = 10_000;
const pieceTimes = 2_000;
/** Between reads of a log that grows. */
const growMs = 2_000;

export interface LogTime {
  readonly firstline: number;
  readonly at: number;
}

/** The time of a line, among times in the order of their lines; undefined before the first one. */
export function timeOf(times: readonly LogTime[], line: number): number | undefined {
  let from = 0;
  for (let to = times.length; from < to; ) {
    const middle = (from + to) >> 1;
    if ((times[middle] as LogTime).firstline <= line) from = middle + 1;
    else to = middle;
  }
  return times[from - 1]?.at;
}

/** When the lines of a log were printed; read only while they are shown. */
export function useLogTimes(log: Log, isShown: boolean): readonly LogTime[] {
  const [times, setTimes] = useState<readonly LogTime[]>([]);
  const current = useRef(log);
  current.current = log;
  useEffect(() => {
    if (!isShown) return;
    let known: readonly LogTime[] = [];
    let isEnded = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      const { logid, complete } = current.current;
      const last = known.at(-1)?.firstline;
      const query = { limit: pieceTimes, firstline__gt: last };
      const items = await list("log_times", `logs/${logid}/times`, query).then(
        (page) => page.items,
        () => undefined,
      );
      if (isEnded) return;
      if (items && items.length > 0) setTimes((known = [...known, ...items]));
      if (known.length >= mostTimes) return;
      if (items?.length === pieceTimes) return read();
      if (!complete || items === undefined) timer = setTimeout(read, growMs);
    };
    read();
    return () => {
      isEnded = true;
      clearTimeout(timer);
    };
  }, [log.logid, isShown]);
  return times;
}
