import { useVisitor } from "../format/visitor.ts";
import { usePlace } from "../router.ts";

/** The user's name and the links to log in and out; nothing if the cluster has no login. */
export function UserMenu() {
  const place = usePlace();
  const visitor = useVisitor();
  if (!visitor || visitor.auth.name === "NoAuth") return null;
  if (visitor.anonymous) {
    const back = encodeURIComponent(place.path);
    return (
      <a class="button small" href={`/auth/login?return=${back}`}>
        Log in
      </a>
    );
  }
  return (
    <span class="user">
      {visitor.full_name ?? visitor.username}
      <a class="button small" href="/auth/logout">
        Log out
      </a>
    </span>
  );
}
