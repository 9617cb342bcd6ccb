import type { Standing } from "../format/result.ts";
import { Icon } from "./icon.tsx";

/** The standing of something: colour, icon and word. */
export function ResultToken({ standing, label }: { standing: Standing; label?: string }) {
  return (
    <span class={`token ${standing}`}>
      <span class="mark">
        <Icon name={standing} />
      </span>
      <span>{label ?? standing}</span>
    </span>
  );
}

/** The same in little space: the word is there for screen readers, and on hover. */
export function ResultMark({ standing, title }: { standing: Standing; title?: string }) {
  return (
    <span class={`mark ${standing}`} role="img" aria-label={title ?? standing} title={title ?? standing}>
      <Icon name={standing} />
    </span>
  );
}
