import type { ComponentChildren } from "preact";

/**
 * A table that scrolls if it is too wide. If it `stacks`, a phone shows the cells of each row below each other, without the
 * head: `data-label` of a cell is shown before it there.
 */
export function Table({
  head,
  stacks = false,
  children,
}: {
  /** The cells of its head. */
  head: ComponentChildren;
  stacks?: boolean;
  /** Its rows. */
  children: ComponentChildren;
}) {
  return (
    <div class="table-scroll">
      <table class={stacks ? "table stacks" : "table"}>
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
