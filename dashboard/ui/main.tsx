import { render } from "preact";
import { App } from "./app.tsx";
import { startKeyboard } from "./keyboard.ts";
import { startLog } from "./signals/log.ts";
import { startClock } from "./state/clock.ts";
import { startLayout } from "./state/layout.ts";
import { startStream } from "./state/stream.ts";
import { startTheme } from "./state/theme.ts";
import { startActive } from "./table/active.ts";
import { startArranging } from "./table/arranged.ts";
import { startQuery } from "./table/query.ts";

startTheme();
startLayout();
startClock();
startQuery();
startArranging();
startActive();
startLog();
startKeyboard();
startStream();

const root = document.querySelector("#app");
if (root) render(<App />, root);
