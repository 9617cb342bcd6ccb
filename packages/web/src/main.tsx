import { render } from "preact";
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/build.css";
import "./styles/log.css";
import "./styles/views.css";
import { liveSocket } from "./api/live-socket.ts";
import { App } from "./app.tsx";
import { followLinks } from "./router.ts";
import { applyTheme } from "./settings.ts";

applyTheme();
followLinks();
liveSocket.start();
const root = document.getElementById("app");
if (root) render(<App />, root);
