export * from "./connection.ts";
export { parseDatabaseUrl } from "./database-url.ts";
export * from "./dialect.ts";
export * from "./open-database.ts";
