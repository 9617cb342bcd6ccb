import { colourOf, initialsOf } from "../format/initials.ts";
import { personName } from "../format/properties.ts";

const scheme = document.querySelector<HTMLMetaElement>('meta[name="multimaster-avatars"]')?.content ?? "initials";
const pixels = 20;

/** An author: the picture that the config wants, and the name, with the address if it `isFull`. */
export function Person({ author, isFull = false }: { author: string; isFull?: boolean }) {
  return (
    <span class="person">
      <Picture author={author} />
      <bdi class="person-name">{isFull ? author : personName(author)}</bdi>
    </span>
  );
}

function Picture({ author }: { author: string }) {
  if (scheme === "none") return null;
  if (scheme === "service")
    return (
      <img
        class="avatar"
        src={`/picture?of=${encodeURIComponent(author.slice(0, 500))}&size=${pixels * 2}`}
        alt=""
        width={pixels}
        height={pixels}
        loading="lazy"
      />
    );
  return (
    <span class={`avatar hue-${colourOf(author)}`} aria-hidden="true">
      {initialsOf(author)}
    </span>
  );
}
