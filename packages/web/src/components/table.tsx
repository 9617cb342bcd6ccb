import type { ComponentChildren } from "preact";

/** A table that scrolls where it is too wide; one that `stacks` has lines instead of each row on a phone. */
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
