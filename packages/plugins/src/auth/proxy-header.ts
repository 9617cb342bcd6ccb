import { z } from "zod";
import { defineAuth } from "../define-auth.ts";

const headerName = z.string().regex(/^[\w-]+$/, "must be the name of a header");

/** Users authenticated by a proxy in front (oauth2-proxy, Apache, nginx, …), which names them in headers. */
export default defineAuth({
  type: "proxy-header",
  options: z.strictObject({
    header: headerName.default("X-Forwarded-User").describe("Header with the user's name."),
    emailHeader: headerName.optional().describe("Header with the user's e-mail address."),
    fullNameHeader: headerName.optional().describe("Header with the user's full name."),
    groupsHeader: headerName.optional().describe("Header with the user's groups, separated by commas."),
  }),
  needs: ["trustedProxies"],
  look: () => ({ name: "proxy" }),
  start(_, { header: userHeader, emailHeader, fullNameHeader, groupsHeader }) {
    return {
      kind: "proxy",
      identify(header) {
        const optional = (name: string | undefined) => (name === undefined ? undefined : header(name)?.trim()) || null;
        const username = optional(userHeader);
        if (username === null) return undefined;
        const groups = optional(groupsHeader)?.split(",") ?? [];
        return {
          username,
          email: optional(emailHeader),
          fullName: optional(fullNameHeader),
          groups: groups.map((group) => group.trim()).filter((group) => group !== ""),
        };
      },
    };
  },
});
