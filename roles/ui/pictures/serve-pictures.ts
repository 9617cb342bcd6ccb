import type { UiSlice } from "@multimaster/config";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { drawInitials } from "./draw-initials.ts";
import { pictureAddress, pictureService } from "./picture-address.ts";

const longestName = 500;
const sizes = { least: 8, most: 512, usual: 40 };

/**
 * Pictures of authors: `/picture?of=AUTHOR&size=40`. The browser is sent to the service that the config names; without one, and
 * for an author without an address, it gets initials. This master asks no one.
 */
export function servePictures({ config }: RoleContext<UiSlice>): Koa.Middleware {
  const { avatars } = config.own;
  const hasService = pictureService(avatars) !== undefined;
  return async (ctx) => {
    const author = String(ctx.query["of"] ?? "").slice(0, longestName);
    const size = Math.min(Math.max(Math.trunc(Number(ctx.query["size"])) || sizes.usual, sizes.least), sizes.most);
    ctx.set("Cache-Control", "private, max-age=86400");
    const address = hasService ? pictureAddress(avatars, author, size) : undefined;
    if (address !== undefined) return ctx.redirect(address);
    ctx.set({ "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox" });
    ctx.type = "image/svg+xml";
    ctx.body = drawInitials(author, String(size));
  };
}
