import { parseAnsi } from "./ansi.ts";
import { splitStream } from "./read-log.ts";

/** One line with its number, which links to the line; with the shift key, to a range of lines. */
export function LogLine({
  line,
  stored,
  type,
  isMarked,
  isFound,
  onMark,
}: {
  line: number;
  /** Undefined while it is being read. */
  stored: string | undefined;
  type: string;
  isMarked: boolean;
  isFound: boolean;
  onMark: (line: number, extends_: boolean) => void;
}) {
  const { stream, text } = stored === undefined ? { stream: "o", text: "" } : splitStream(stored, type);
  const className = `log-line stream-${stream}${isMarked ? " marked" : ""}${isFound ? " found" : ""}`;
  return (
    <div class={className} data-line={stored === undefined ? undefined : line + 1}>
      <a
        href={`#L${line + 1}`}
        class="log-number"
        aria-label={`Line ${line + 1}`}
        tabIndex={-1}
        onClick={(event) => {
          event.preventDefault();
          onMark(line, event.shiftKey);
        }}
      >
        {line + 1}
      </a>
      <span class="log-content">
        {stored === undefined
          ? "…"
          : parseAnsi(text).map((span, i) =>
              span.classes === "" && span.colour === undefined && span.background === undefined ? (
                span.text
              ) : (
                <span key={i} class={span.classes} style={{ color: span.colour, backgroundColor: span.background }}>
                  {span.text}
                </span>
              ),
            )}
      </span>
    </div>
  );
}
