import type { Standing } from "../format/result.ts";

/** Drawn on 16 × 16, one stroke each, in the colour of the surrounding text. */
const strokes: Readonly<Record<Standing | PageIcon, string>> = {
  success: "M3.5 8.5l3 3 6-7",
  warnings: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.1",
  failure: "M4 4l8 8M12 4l-8 8",
  skipped: "M3 4l4 4-4 4M8.5 4l4 4-4 4",
  exception: "M8 3v6.5M8 12.4v.1",
  retry: "M12.8 6A5.2 5.2 0 1 0 13 9.5M13 2.8V6H9.8",
  cancelled: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 4.2l7.6 7.6",
  running: "M5 3.5l7 4.5-7 4.5z",
  pending: "M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10",
  home: "M2.5 7.5L8 2.8l5.5 4.7M4 6.5v6.7h8V6.5",
  builders: "M8 1.8l5.5 3v6.4L8 14.2l-5.5-3V4.8zM2.8 5L8 7.9 13.2 5M8 8v6",
  changes:
    "M5 4.2v7.6M5 4.2a1.6 1.6 0 1 0-.1 0M5 14.8a1.6 1.6 0 1 0-.1 0M11.5 7.2a1.6 1.6 0 1 0-.1 0M11.5 7.2c0 2.6-6.500 1.600-6.500 4.400",
  queue: "M2.5 4h11M2.500 8h11M2.500 12h7",
  workers: "M2.500 3h11v4h-11zM2.500 9h11v4h-11zM5 5v.1M5 11v.1",
  cluster:
    "M8 2.200a1.800 1.800 0 1 0 .1 0M3.600 10.200a1.800 1.800 0 1 0 .1 0M12.400 10.200a1.800 1.800 0 1 0 .1 0M7 5.500l-2.600 5M9 5.500l2.600 5M5.500 12h5",
  more: "M3.500 8v.1M8 8v.1M12.500 8v.1",
  search: "M7 2.800a4.200 4.200 0 1 0 .1 0M10.200 10.200l3.300 3.300",
  sun: "M8 5.200a2.800 2.800 0 1 0 .1 0M8 1.500v1.400M8 13.100v1.400M1.500 8h1.400M13.100 8h1.400M3.400 3.400l1 1M11.600 11.600l1 1M12.600 3.400l-1 1M4.400 11.600l-1 1",
  moon: "M13 9.800A5.500 5.500 0 0 1 6.200 3a5.500 5.500 0 1 0 6.800 6.800z",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
  down: "M8 3v9M4 8.500l4 4 4-4",
  expand: "M9.500 2.500h4v4M6.500 13.500h-4v-4M13.500 2.500l-5 5M2.500 13.500l5-5",
  pause: "M5.500 3.500v9M10.500 3.500v9",
};

export type PageIcon =
  | "home"
  | "builders"
  | "changes"
  | "queue"
  | "workers"
  | "cluster"
  | "more"
  | "search"
  | "sun"
  | "moon"
  | "close"
  | "back"
  | "next"
  | "down"
  | "expand"
  | "pause";

/** A picture that only decorates: the word is shown beside it. */
export function Icon({ name }: { name: Standing | PageIcon }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={strokes[name]} />
    </svg>
  );
}
