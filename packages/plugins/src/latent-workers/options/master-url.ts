import { z } from "zod";

/** Where engines accept workers, as a worker reads it in MASTER_URL. */
export const masterUrl = z
  .string()
  .regex(
    /^wss?:\/\/[^\s/?#]+(\/\S*)?$/,
    'must be a URL with its scheme, such as "ws://ci.example:9989" or "wss://ci.example"; workers do not connect to the pages',
  );
