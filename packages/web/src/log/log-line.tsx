import { isSafeLink } from "../components/foreign-link.tsx";
import { formatClock, formatDuration, formatExact } from "../format/time.ts";
import type { SourceAddress } from "./line-links.ts";
import { cutLine, type Piece } from "./line-pieces.ts";
import { splitStream } from "./read-log.ts";
import type { SearchPattern } from "./search-pattern.ts";
import type { Section } from "./sections.ts";

/** One line with its number, which links to the line; with the shift key, to a range of lines. */
export function LogLine({
  line,
  stored,
  type,
  isMarked,
  isFound,
  pattern,
  source,
  onMark,
  time,
}: {
  line: number;
  /** Undefined while it is being read. */
  stored: string | undefined;
  type: string;
  isMarked: boolean;
  isFound: boolean;
  /** What is searched: all its hits are marked. */
  pattern: SearchPattern | undefined;
  source: SourceAddress | undefined;
  onMark: (line: number, extends_: boolean) => void;
  time: LineTime | undefined;
}) {
  const { stream, text } = stored === undefined ? { stream: "o", text: "" } : splitStream(stored, type);
  const className = `log-line stream-${stream}${isMarked ? " marked" : ""}${isFound ? " found" : ""}`;
  return (
    <div class={className} data-line={stored === undefined ? undefined : line + 1}>
      <LineNumber line={line} isError={stream === "e"} onMark={onMark} />
      {time && <TimeOfLine {...time} />}
      <span class="log-content">
        {stored === undefined
          ? "…"
          : cutLine(text, pattern, source).map((piece, i) => <PieceOfLine key={i} piece={piece} />)}
      </span>
    </div>
  );
}

/** The heading of a section, which folds it. */
export function SectionLine({
  section,
  isFolded,
  isMarked,
  isFound,
  onFold,
  onMark,
  time,
}: {
  section: Section;
  isFolded: boolean;
  isMarked: boolean;
  isFound: boolean;
  onFold: () => void;
  onMark: (line: number, extends_: boolean) => void;
  time: LineTime | undefined;
}) {
  const { head, end, title, seconds } = section;
  return (
    <div class={`log-line log-section${isMarked ? " marked" : ""}${isFound ? " found" : ""}`} data-line={head + 1}>
      <LineNumber line={head} isError={false} onMark={onMark} />
      {time && <TimeOfLine {...time} />}
      <span class="log-content">
        <button type="button" aria-expanded={!isFolded} onClick={onFold}>
          {title}
        </button>{" "}
        <span class="quiet num">
          {seconds !== undefined && formatDuration(seconds)}
          {isFolded && end !== undefined && ` ${(end - head - 1).toLocaleString()} lines`}
        </span>
      </span>
    </div>
  );
}

/** When a line was printed, and when its step began. */
interface LineTime {
  readonly begunAt: number;
  readonly at: number;
}

function TimeOfLine({ begunAt, at }: LineTime) {
  return (
    <span class="log-time num" title={formatExact(at)}>
      {formatClock(at - begunAt)}
    </span>
  );
}

function LineNumber({
  line,
  isError,
  onMark,
}: {
  line: number;
  isError: boolean;
  onMark: (line: number, extends_: boolean) => void;
}) {
  return (
    <a
      href={`#L${line + 1}`}
      class="log-number"
      aria-label={`Line ${line + 1}${isError ? ", standard error" : ""}`}
      title={isError ? "Standard error" : undefined}
      tabIndex={-1}
      onClick={(event) => {
        event.preventDefault();
        onMark(line, event.shiftKey);
      }}
    >
      {line + 1}
    </a>
  );
}

function PieceOfLine({ piece: { text, classes, colour, background, href, isHit } }: { piece: Piece }) {
  const content = isHit ? <mark>{text}</mark> : text;
  const linked =
    href !== undefined && isSafeLink(href) ? (
      <a href={href} target="_blank" rel="noreferrer">
        {content}
      </a>
    ) : (
      content
    );
  if (classes === "" && colour === undefined && background === undefined) return <>{linked}</>;
  return (
    <span class={classes} style={{ color: colour, backgroundColor: background }}>
      {linked}
    </span>
  );
}
