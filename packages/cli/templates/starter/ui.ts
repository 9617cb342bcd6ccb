/** Where the REST API is served. */
import { defineUi } from "@multimaster/config";

export default defineUi({ host: "127.0.0.1", port: 8010, title: "My cluster" });
